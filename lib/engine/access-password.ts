/**
 * Passwords: hashed with scrypt, off the event loop, one at a time.
 *
 * One at a time, because each computation takes a thread of Node's pool (which the store's reads and writes need too)
 * and 32 MiB: a flood of logins must wait in line and not push everything else aside. The line is bounded.
 */
import { invalid, MilvusError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { nodeCrypto } from './access-crypto.js'
import { type PasswordHash, ROOT_PASSWORD } from './access-records.js'

/** scrypt parameters of new hashes: 128 × N × r = 32 MiB, about 0.1 s. Stored with each hash, so they may rise. */
const COST = 1 << 15
const BLOCK_SIZE = 8
const PARALLEL = 1
const SALT_BYTES = 16
const HASH_BYTES = 32
/** Computations that may wait. */
const WAITING_MAX = 256

let line: Promise<unknown> = Promise.resolve()
let waiting = 0

type Parameters = Pick<PasswordHash, 'cost' | 'blockSize' | 'parallel'>

async function derive(
  password: string,
  salt: Buffer,
  { cost, blockSize, parallel }: Parameters,
): Promise<Buffer> {
  if (waiting >= WAITING_MAX) throw new MilvusError('TooManyRequests', 'too many logins at once; try again')
  waiting++
  const run = line.then(
    () =>
      new Promise<Buffer>((resolve, reject) => {
        const options = { N: cost, r: blockSize, p: parallel, maxmem: 256 * cost * blockSize }
        nodeCrypto().scrypt(password, salt, HASH_BYTES, options, (error, hash) =>
          error === null ? resolve(hash) : reject(error),
        )
      }),
  )
  line = run.then(
    () => undefined,
    () => undefined,
  )
  return run.finally(() => {
    waiting--
  })
}

/** A new salted hash of a password. */
export async function hashPassword(password: string): Promise<PasswordHash> {
  const salt = nodeCrypto().randomBytes(SALT_BYTES)
  const parameters = { cost: COST, blockSize: BLOCK_SIZE, parallel: PARALLEL }
  const hash = await derive(password, salt, parameters)
  return {
    scheme: 'scrypt',
    ...parameters,
    salt: salt.toString('base64'),
    hash: hash.toString('base64'),
  }
}

/** Stands in for users that do not exist, so that asking for one takes as long as asking for another. */
const NOBODY: PasswordHash = {
  scheme: 'scrypt',
  cost: COST,
  blockSize: BLOCK_SIZE,
  parallel: PARALLEL,
  salt: Buffer.alloc(SALT_BYTES).toString('base64'),
  hash: Buffer.alloc(HASH_BYTES).toString('base64'),
}

/**
 * True when the password is the stored one. Takes the same time whatever the answer.
 * @param stored null: the default password; undefined: there is no such user, and the answer is false
 */
export async function verifyPassword(
  stored: PasswordHash | null | undefined,
  password: string,
): Promise<boolean> {
  const known = stored ?? NOBODY
  const hash = await derive(password, Buffer.from(known.salt, 'base64'), known)
  const same = nodeCrypto().timingSafeEqual(hash, Buffer.from(known.hash, 'base64'))
  return stored === null ? password === ROOT_PASSWORD : same && stored !== undefined
}

/** @throws MilvusError ParameterInvalid when it is shorter or longer than Milvus allows; the text never shows it */
export function checkPassword(password: string): void {
  const length = Buffer.byteLength(password)
  const { passwordMin: min, passwordMax: max } = LIMITS
  if (length >= min && length <= max) return
  throw invalid(
    `invalid password length: invalid parameter[${length} out of range ${min} <= value <= ${max}]`,
    { bare: true },
  )
}
