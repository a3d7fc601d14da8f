/**
 * The scalar indexes of one sealed segment: opened from their sidecars when they are first asked for, kept until the
 * segment is unloaded.
 *
 * An index that is not open is no reason to wait: the filter scans, and the next one finds it. One that cannot be used
 * counts as missing, so that it is built again.
 */
import type { IndexSpec } from '../index/index-spec.js'
import type { OpenOrder } from '../index/scalar-order.js'
import type { SegmentMeta, StoredIndex } from './segment-meta.js'

/** Where a segment's indexes come from. */
export interface OrderSource {
  /** Definitions of scalar indexes on a field that are built. */
  orderSpecs(fieldId: number): readonly IndexSpec[]
  /** Opens a sidecar; null when it is missing, stale or broken. */
  openOrder(meta: SegmentMeta, stored: StoredIndex): Promise<OpenOrder | null>
}

const NONE: readonly OpenOrder[] = []

export class SegmentOrders {
  readonly #source: OrderSource
  /** By id of the definition; null: tried and not usable. */
  readonly #opened = new Map<number, OpenOrder | null>()
  readonly #opening = new Map<number, Promise<void>>()
  /** Raised by clear(): what was being opened then is not kept. */
  #epoch = 0

  constructor(source: OrderSource) {
    this.#source = source
  }

  /** The indexes of a field that are open; the others start to open, after `delayMs`. */
  ofField(meta: SegmentMeta, fieldId: number, delayMs: number): readonly OpenOrder[] {
    if (meta.indexes.length === 0) return NONE
    let found: OpenOrder[] | null = null
    for (const { id } of this.#source.orderSpecs(fieldId)) {
      const known = this.#opened.get(id)
      if (known !== undefined) {
        if (known === null) continue
        found ??= []
        found.push(known)
        continue
      }
      const stored = meta.indexes.find(s => s.fieldId === fieldId && s.indexId === id)
      if (stored === undefined || this.#opening.has(id)) continue
      this.#opening.set(
        id,
        this.#open(meta, stored, delayMs).finally(() => this.#opening.delete(id)),
      )
    }
    return found ?? NONE
  }

  async #open(meta: SegmentMeta, stored: StoredIndex, delayMs: number): Promise<void> {
    const epoch = this.#epoch
    if (delayMs > 0) await new Promise(resolve => setTimeout(resolve, delayMs))
    // Unloaded meanwhile: the file may be gone with its segment.
    if (epoch !== this.#epoch) return
    const opened = await this.#source.openOrder(meta, stored)
    if (epoch === this.#epoch) this.#opened.set(stored.indexId, opened)
  }

  /** Resolves when every index that is being opened is open or found unusable. */
  async settled(): Promise<void> {
    await Promise.all(this.#opening.values())
  }

  /** True when the index has no sidecar, or one that was tried and could not be used. */
  lacks(meta: SegmentMeta, indexId: number): boolean {
    const known = this.#opened.get(indexId)
    return known === undefined ? !meta.indexes.some(s => s.indexId === indexId) : known === null
  }

  /** How often filters took rows from the open indexes. */
  get uses(): number {
    let sum = 0
    for (const opened of this.#opened.values()) sum += opened?.uses ?? 0
    return sum
  }

  /** Other sidecars may exist now: what could not be used is tried again. */
  retry(): void {
    for (const [id, opened] of this.#opened) if (opened === null) this.#opened.delete(id)
  }

  /** Forgets everything in memory. */
  clear(): void {
    this.#epoch++
    this.#opened.clear()
  }
}
