/**
 * Columns in shared memory: what V8 has to be told of it.
 *
 * V8 counts the bytes behind an ArrayBuffer and answers a large new one by collecting garbage at once, in the step that
 * asked for it, although a column just read is no garbage. It does not count shared memory. So the columns of
 * sealed segments are shared (though only one thread looks at them), and V8 hears of them at the other end: `memoryReleased` says that so
 * many bytes have become garbage.
 *
 * Invariant: shared memory that nobody holds any more is given back by the time that about RELEASED_BYTES_MAX more of it
 * were released; without that, a process that only reads would keep it until its own small objects fill the heap.
 */

/** Bytes of garbage that V8 may not know of. */
const RELEASED_BYTES_MAX = 64 * 1024 * 1024
/** V8 looks for garbage when memory outside its heap has grown by 64 MiB since the last time. */
const NOTICE_BYTES = RELEASED_BYTES_MAX + 1024 * 1024

let releasedBytes = 0

/** Tells V8, now and then, that shared memory of `bytes` bytes has lost its last holder or is about to. */
export function memoryReleased(bytes: number): void {
  releasedBytes += bytes
  if (releasedBytes < RELEASED_BYTES_MAX) return
  releasedBytes = 0
  // Nobody writes to these bytes, so the system never hands out storage for them: only V8's count of them is wanted.
  new ArrayBuffer(NOTICE_BYTES)
}

/** Private memory that bytes pass through; aligned. */
const scratch = new Uint8Array(65_536 + 8)
const PASS_BYTES = scratch.length - 8
/** Below this it does not matter. */
const LONG_BYTES = 4_096

/**
 * Copies `source` to `target` from `at` on. The same as `target.set(source, at)`, which copies to shared memory byte by
 * byte unless both sides are aligned alike (8 times slower).
 */
export function copyIntoShared(target: Uint8Array, source: Uint8Array, at: number): void {
  const lead = (target.byteOffset + at) & 7
  const shared = target.buffer instanceof SharedArrayBuffer
  if (!shared || source.length < LONG_BYTES || lead === (source.byteOffset & 7)) {
    target.set(source, at)
    return
  }
  for (let from = 0; from < source.length; from += PASS_BYTES) {
    const part = source.subarray(from, from + PASS_BYTES)
    scratch.set(part, lead)
    target.set(scratch.subarray(lead, lead + part.length), at + from)
  }
}
