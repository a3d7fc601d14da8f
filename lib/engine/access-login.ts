/**
 * Who a caller is: checks user and password of every call, fast when it has seen them before.
 *
 * A verified login is remembered as a keyed digest of the password, under a key that lives in this process only, so that memory
 * holds nothing that could be tried elsewhere. It counts as long as the user's stored hash is the one it was verified
 * against: a changed password or a dropped user ends it at once.
 *
 * Failures slow a user down, and nobody is locked out: attempts of one user run one after the other in a lane, and each
 * failure holds the lane up, twice as long each time. Who is remembered does not enter the lane, and those who come
 * with the same password at once (a pool of connections) go through it as one. There is a fixed number
 * of lanes, chosen by a keyed hash of the name, so neither invented names nor many failures take memory.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { MilvusError } from '../base/errors.js'
import type { AccessCatalog } from './access-catalog.js'
import { nodeCrypto } from './access-crypto.js'
import { verifyPassword } from './access-password.js'
import type { PasswordHash } from './access-records.js'

const LANES = 256
/** Attempts that may wait in one lane. */
const LANE_WAITING_MAX = 16
/** How long the first failure holds up its lane, and the longest hold-up, in milliseconds. */
const DELAY_MS = 50
const DELAY_MS_MAX = 1_000
/** After this many quiet milliseconds failures are forgotten. */
const FORGET_MS = 60_000

interface Lane {
  waiting: number
  failures: number
  lastFailureMs: number
  tail: Promise<unknown>
}

interface Remembered {
  readonly password: PasswordHash | null
  readonly digest: Buffer
}

/** Stands in for the clock, for tests. */
export interface LoginParts {
  readonly nowMs: () => number
  /** Waits; default a timer that keeps no process alive. */
  readonly pause?: (ms: number) => Promise<unknown>
}

export class Logins {
  readonly #access: AccessCatalog
  readonly #nowMs: () => number
  readonly #pause: (ms: number) => Promise<unknown>
  #secret = ''
  /** By user; only users that exist get in, so it is as bounded as they are. */
  readonly #remembered = new Map<string, Remembered>()
  /** Attempts in their lanes, by name and password's digest; as bounded as the lanes. */
  readonly #pending = new Map<string, Promise<boolean>>()
  readonly #lanes: readonly Lane[]

  constructor(access: AccessCatalog, parts: LoginParts) {
    this.#access = access
    this.#nowMs = parts.nowMs
    this.#pause = parts.pause ?? (ms => sleep(ms, undefined, { ref: false }))
    this.#lanes = Array.from({ length: LANES }, () => ({
      waiting: 0,
      failures: 0,
      lastFailureMs: 0,
      tail: Promise.resolve(),
    }))
  }

  /**
   * True when the password is the user's. Answers at once for a login it remembers.
   * @throws MilvusError TooManyRequests when too many attempts of this user are waiting
   */
  check(name: string, password: string): boolean | Promise<boolean> {
    const digest = this.#digest(password)
    return this.#isRemembered(name, digest) || this.#once(name, password, digest)
  }

  #digest(text: string): Buffer {
    // Key before and after, like HMAC's two passes, at a quarter of its cost: this runs on every call.
    const { hash, randomBytes } = nodeCrypto()
    if (this.#secret === '') this.#secret = randomBytes(32).toString('hex')
    return hash('sha256', this.#secret + text + this.#secret, 'buffer')
  }

  #isRemembered(name: string, digest: Buffer): boolean {
    const known = this.#remembered.get(name)
    if (known === undefined) return false
    const user = this.#access.user(name)
    if (user === undefined || user.password !== known.password) {
      this.#remembered.delete(name)
      return false
    }
    return nodeCrypto().timingSafeEqual(known.digest, digest)
  }

  #once(name: string, password: string, digest: Buffer): Promise<boolean> {
    const key = `${digest.toString('base64')} ${name}`
    const same = this.#pending.get(key)
    if (same !== undefined) return same
    const attempt = this.#inLane(name, password, digest).finally(() => this.#pending.delete(key))
    this.#pending.set(key, attempt)
    return attempt
  }

  async #inLane(name: string, password: string, digest: Buffer): Promise<boolean> {
    const lane = this.#lanes[this.#digest(name)[0]! % LANES]!
    if (lane.waiting >= LANE_WAITING_MAX) {
      throw new MilvusError('TooManyRequests', 'too many failed logins of this user; try again later')
    }
    lane.waiting++
    const run = lane.tail.then(() => this.#attempt(lane, name, password, digest))
    lane.tail = run.then(
      () => undefined,
      () => undefined,
    )
    try {
      return await run
    } finally {
      lane.waiting--
    }
  }

  async #attempt(lane: Lane, name: string, password: string, digest: Buffer): Promise<boolean> {
    const stored = this.#access.user(name)?.password
    if (await verifyPassword(stored, password)) {
      lane.failures = 0
      if (stored !== undefined) this.#remembered.set(name, { password: stored, digest })
      return true
    }
    const now = this.#nowMs()
    if (now - lane.lastFailureMs > FORGET_MS) lane.failures = 0
    const delay = Math.min(DELAY_MS * 2 ** lane.failures, DELAY_MS_MAX)
    lane.failures++
    lane.lastFailureMs = now
    await this.#pause(delay)
    return false
  }
}
