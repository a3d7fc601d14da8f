/**
 * The vector indexes of one sealed segment: opened from their sidecars when they are first asked for, kept until the
 * segment is unloaded.
 *
 * As with scalar indexes (segment-orders.ts), one that is not open is no reason to wait, and one that cannot be used
 * counts as missing, so that it is built again.
 */
import type { SegmentIndex } from './segment.js'
import type { SegmentMeta, StoredIndex } from './segment-meta.js'

/** Where a segment's vector indexes come from. */
export interface GraphSource {
  /** Opens a sidecar; null when it is missing, stale or broken. */
  openIndex(meta: SegmentMeta, stored: StoredIndex): Promise<SegmentIndex | null>
  /** Id of the index definition on a field, or −1. */
  indexIdOf(fieldId: number): number
}

export class SegmentGraphs {
  readonly #source: GraphSource
  /** By field id; null: tried and not usable. */
  readonly #opened = new Map<number, { indexId: number; opened: SegmentIndex | null }>()
  readonly #opening = new Map<number, Promise<void>>()
  /** Ids of index definitions for which there is nothing to build (no row has a vector). */
  readonly #unbuildable = new Set<number>()
  /** Raised by clear(): what was waiting to be opened then is not. */
  #epoch = 0

  constructor(source: GraphSource) {
    this.#source = source
  }

  /** The index of a field when it is open; else it starts to open, after `delayMs`. */
  ofField(meta: SegmentMeta, fieldId: number, delayMs: number): SegmentIndex | null {
    const indexId = this.#source.indexIdOf(fieldId)
    if (indexId < 0) return null
    const known = this.#opened.get(fieldId)
    if (known !== undefined && known.indexId === indexId) return known.opened
    const stored = meta.indexes.find(s => s.fieldId === fieldId && s.indexId === indexId)
    if (stored !== undefined && !this.#opening.has(fieldId)) {
      this.#opening.set(
        fieldId,
        this.#open(meta, stored, delayMs).finally(() => this.#opening.delete(fieldId)),
      )
    }
    return null
  }

  async #open(meta: SegmentMeta, stored: StoredIndex, delayMs: number): Promise<void> {
    if (delayMs > 0) {
      const epoch = this.#epoch
      await new Promise(resolve => setTimeout(resolve, delayMs))
      // Unloaded meanwhile: the file may be gone with its segment.
      if (epoch !== this.#epoch) return
    }
    const opened = await this.#source.openIndex(meta, stored)
    this.#opened.set(stored.fieldId, { indexId: stored.indexId, opened })
  }

  /** Resolves when nothing is being opened. */
  async settled(): Promise<void> {
    await Promise.all(this.#opening.values())
  }

  /** True when the field's declared index was tried and could not be used, or has no sidecar yet. */
  lacks(meta: SegmentMeta, fieldId: number): boolean {
    const indexId = this.#source.indexIdOf(fieldId)
    if (indexId < 0 || this.#unbuildable.has(indexId)) return false
    const known = this.#opened.get(fieldId)
    if (known !== undefined && known.indexId === indexId) return known.opened === null
    return !meta.indexes.some(s => s.fieldId === fieldId && s.indexId === indexId)
  }

  /** There is nothing to build for this index definition: do not try again. */
  giveUp(indexId: number): void {
    this.#unbuildable.add(indexId)
  }

  /** Tries again what could not be used. */
  retry(): void {
    for (const [fieldId, known] of this.#opened) if (known.opened === null) this.#opened.delete(fieldId)
  }

  clear(): void {
    this.#epoch++
    this.#opened.clear()
  }
}
