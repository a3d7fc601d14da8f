/**
 * Where the bytes of a variable-width column are collected while it is built.
 *
 * One spare buffer is kept between uses, so that a single-row request does not allocate a working buffer per column.
 * A sink owns its buffer from `open` to `finish`: user code that runs in between (a toJSON method) may open another.
 */
import { assert } from '../base/assert.js'
import type { VarColumn } from './column.js'
import { writeUtf8 } from './utf8.js'

const START_BYTES = 4096
/** A spare larger than this is given back to the collector. */
const KEEP_BYTES = 4 * 1024 * 1024
let spare: Buffer | null = null

export class ByteSink {
  /** Working bytes; meaningful below `length`. Replaced by `reserve`, so read it after reserving. */
  buffer: Buffer
  length = 0
  readonly #offsets: Uint32Array

  /** @param rowCount rows the column will have */
  constructor(rowCount: number) {
    this.buffer = spare ?? Buffer.allocUnsafeSlow(START_BYTES)
    spare = null
    this.#offsets = new Uint32Array(rowCount + 1)
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2))
    larger.set(this.buffer.subarray(0, this.length))
    this.buffer = larger
  }

  /** Appends text as UTF-8 and returns its byte length. */
  text(text: string): number {
    this.reserve(text.length * 3)
    const from = this.length
    this.length = writeUtf8(this.buffer, from, text)
    return this.length - from
  }

  bytes(source: Uint8Array, from: number, to: number): void {
    this.reserve(to - from)
    this.buffer.set(source.subarray(from, to), this.length)
    this.length += to - from
  }

  u32(value: number): void {
    this.reserve(4)
    this.length = this.buffer.writeUInt32LE(value, this.length)
  }

  f32(value: number): void {
    this.reserve(4)
    this.length = this.buffer.writeFloatLE(value, this.length)
  }

  /** Row `row` ends here. Must be called once for every row, in order. */
  endRow(row: number): void {
    this.#offsets[row + 1] = this.length
  }

  /** The finished column; the sink must not be used afterwards. */
  finish(validity: Uint32Array | null): VarColumn {
    assert(this.length <= 0xffff_ffff, 'a column heap stays below 4 GiB')
    const heap = new Uint8Array(this.length)
    heap.set(this.buffer.subarray(0, this.length))
    if (this.buffer.length <= KEEP_BYTES) spare = this.buffer
    return { layout: 'var', offsets: this.#offsets, heap, validity }
  }
}
