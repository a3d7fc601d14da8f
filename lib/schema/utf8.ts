/**
 * UTF-8 text in and out of byte heaps, without a Buffer object per value where that costs more than the bytes.
 *
 * Works on any Uint8Array, also over a SharedArrayBuffer (which TextDecoder refuses). Short ASCII text, the common
 * case of keys and tags, is handled by plain loops.
 */

const SHORT = 24

/** Text of heap[from .. to). Malformed bytes become U+FFFD. */
export function readUtf8(heap: Uint8Array, from: number, to: number): string {
  if (to - from <= SHORT) {
    let text = ''
    let i = from
    for (; i < to; i++) {
      const byte = heap[i]!
      if (byte >= 0x80) break
      text += String.fromCharCode(byte)
    }
    if (i === to) return text
  }
  return Buffer.from(heap.buffer, heap.byteOffset + from, to - from).toString('utf8')
}

/**
 * Writes text at `target[at]` and returns the position after it. The caller provides room: 3 bytes per UTF-16 unit
 * always suffice.
 */
export function writeUtf8(target: Buffer, at: number, text: string): number {
  if (text.length <= SHORT) {
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
