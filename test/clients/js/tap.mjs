/**
 * One line per check on standard output, for the clients that are written in JavaScript.
 *
 * A check that throws is a failed check, and the next one runs all the same: one run shows everything that is wrong.
 */
import { isDeepStrictEqual } from 'node:util'

export const ADDRESS = process.env.KESTREL_ADDRESS ?? '127.0.0.1:19530'
export const URI = process.env.KESTREL_URI ?? `http://${ADDRESS}`

let count = 0
let failed = 0

const print = text => void process.stdout.write(`${text}\n`)

/** Values as they are shown: longs, and undefined beside null, stay visible. */
const shown = value =>
  JSON.stringify(value, (_key, one) =>
    typeof one === 'bigint' ? `${one}n` : one === undefined ? '(undefined)' : one,
  )

/** Where two values differ: at most three places, each with both sides. */
function differences(expected, found, at = '', into = []) {
  if (into.length >= 3 || isDeepStrictEqual(expected, found)) return into
  const both = [expected, found].every(value => typeof value === 'object' && value !== null)
  const keys = both ? new Set([...Object.keys(expected), ...Object.keys(found)]) : new Set()
  if (keys.size > 2 && Array.isArray(expected) === Array.isArray(found)) {
    for (const key of keys) differences(expected[key], found[key], `${at}.${key}`, into)
    if (into.length > 0) return into
  }
  const cut = value => String(shown(value)).slice(0, 400)
  into.push(`${at || 'all'}: expected ${cut(expected)}`, `${at || 'all'}: found    ${cut(found)}`)
  return into
}

function line(good, what, details) {
  count++
  if (!good) failed++
  print(`${good ? 'ok' : 'not ok'} ${count} - ${what}`)
  if (!good) for (const detail of details) for (const one of String(detail).split('\n')) print(`# ${one}`)
}

/** Names what runs, once. */
export const version = text => print(`# version ${text}`)

/** `call` answers exactly `expected`. */
export async function check(what, call, expected) {
  let found
  try {
    found = await call()
  } catch (error) {
    line(false, what, [error?.stack ?? error])
    return undefined
  }
  line(isDeepStrictEqual(found, expected), what, differences(expected, found))
  return found
}

/** `call` ends without an exception; its result. */
export async function does(what, call) {
  try {
    const found = await call()
    line(true, what)
    return found
  } catch (error) {
    line(false, what, [error?.stack ?? error])
    return undefined
  }
}

/** `call` throws, and its message holds `phrase`. */
export async function throws(what, call, phrase) {
  try {
    const found = await call()
    line(false, what, [`expected an error with ${shown(phrase)}`, `found ${shown(found)}`])
  } catch (error) {
    line(String(error?.message).includes(phrase), what, [`expected ${shown(phrase)}`, error?.stack ?? error])
  }
}

/** A check that is left out, with the reason. */
export function skip(what, why) {
  count++
  print(`ok ${count} - ${what} # SKIP ${why}`)
}

export function finish() {
  print(`1..${count}`)
  process.exitCode = failed > 0 ? 1 : 0
}

/** Number rounded as a 32 bit float holds it. */
export const float32 = rows => rows.map(Math.fround)
