/**
 * UTF-8 text in and out of byte heaps, without a Buffer object per value where that costs more than the bytes.
 *
 * Works on any Uint8Array, also over a SharedArrayBuffer (which TextDecoder refuses). Short ASCII text, the common
 * case of keys and tags, is handled by plain loops.
 */

/** Up to this many bytes are written by a loop. */
const SHORT_WRITE = 24
/** Up to this many bytes are read by a loop. */
const SHORT_READ = 12
/** Heaps of this length have a Buffer of their own; for smaller ones keeping it would cost more than making it. */
const KEPT_BYTES = 4_096

/** Text of heap[from .. to). Malformed bytes become U+FFFD. */
export function readUtf8(heap: Uint8Array, from: number, to: number): string {
  if (to - from <= SHORT_READ) {
    let bits = 0
    for (let i = from; i < to; i++) bits |= heap[i]!
    if (bits < 0x80) return shortAscii(heap, from, to)
  }
  if (heap.length < KEPT_BYTES)
    return Buffer.from(heap.buffer, heap.byteOffset + from, to - from).toString('utf8')
  return bufferOf(heap).toString('utf8', from, to)
}

const { fromCharCode } = String

/**
 * ASCII text of at most SHORT_READ bytes. Each call of fromCharCode makes one string; adding characters one by one would
 * make as many strings as there are bytes, and leave a chain of them where V8 puts off joining them (from 13 characters).
 */
function shortAscii(heap: Uint8Array, from: number, to: number): string {
  if (to - from > 8) return ascii8(heap, from) + shortAscii(heap, from + 8, to)
  const i = from
  switch (to - from) {
    case 0:
      return ''
    case 1:
      return fromCharCode(heap[i]!)
    case 2:
      return fromCharCode(heap[i]!, heap[i + 1]!)
    case 3:
      return fromCharCode(heap[i]!, heap[i + 1]!, heap[i + 2]!)
    case 4:
      return fromCharCode(heap[i]!, heap[i + 1]!, heap[i + 2]!, heap[i + 3]!)
    case 5:
      return fromCharCode(heap[i]!, heap[i + 1]!, heap[i + 2]!, heap[i + 3]!, heap[i + 4]!)
    case 6:
      return fromCharCode(heap[i]!, heap[i + 1]!, heap[i + 2]!, heap[i + 3]!, heap[i + 4]!, heap[i + 5]!)
    case 7:
      return fromCharCode(
        heap[i]!,
        heap[i + 1]!,
        heap[i + 2]!,
        heap[i + 3]!,
        heap[i + 4]!,
        heap[i + 5]!,
        heap[i + 6]!,
      )
    default:
      return ascii8(heap, from)
  }
}

function ascii8(heap: Uint8Array, i: number): string {
  return fromCharCode(
    heap[i]!,
    heap[i + 1]!,
    heap[i + 2]!,
    heap[i + 3]!,
    heap[i + 4]!,
    heap[i + 5]!,
    heap[i + 6]!,
    heap[i + 7]!,
  )
}

const buffers = new WeakMap<Uint8Array, Buffer>()

/** A heap as a Buffer over the same bytes: made once per heap, not once per text. */
function bufferOf(heap: Uint8Array): Buffer {
  let buffer = buffers.get(heap)
  if (buffer === undefined) {
    buffer = Buffer.from(heap.buffer, heap.byteOffset, heap.length)
    buffers.set(heap, buffer)
  }
  return buffer
}

/**
 * Writes text at `target[at]` and returns the position after it. The caller provides room: 3 bytes per UTF-16 unit
 * always suffice.
 */
export function writeUtf8(target: Buffer, at: number, text: string): number {
  if (text.length <= SHORT_WRITE) {
    let i = 0
    for (; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code >= 0x80) break
      target[at + i] = code
    }
    if (i === text.length) return at + i
  }
  return at + target.write(text, at, 'utf8')
}

/** True when heap[from .. to) is well-formed UTF-8. */
export function isUtf8(heap: Uint8Array, from: number, to: number): boolean {
  let i = from
  while (i < to && heap[i]! < 0x80) i++
  if (i === to) return true
  const bytes = Buffer.from(heap.buffer, heap.byteOffset + i, to - i)
  return bytes.equals(Buffer.from(bytes.toString('utf8'), 'utf8'))
}
