/**
 * The parts of one open collection, wired together; no algorithm lives here.
 *
 * Every flow (write path, flush, compaction, recovery, reads) is a file of its own that works on this object. What they
 * all rely on:
 *
 *  - `appliedTick` ≥ `visibleTick`: requests are applied to memory in tick order before their group is synced, and
 *    become visible only after it. A reader at `visibleTick` therefore never sees what may not be on disk.
 *  - A row is in exactly one of `sealed`, `frozen`, `growing`; the lists change only between two synchronous steps.
 *  - `joining` are segments about to replace others: not read yet, but deletes must reach them already.
 *  - The delete log is: stored deltas (`deltas`), then the lists of the frozen segments, then that of the growing one,
 *    with ticks rising through the whole sequence.
 */
import { assert } from '../base/assert.js'
import type { MilvusError } from '../base/errors.js'
import type { EngineOptions } from '../base/options.js'
import type { Tick, TimestampOracle } from '../base/timestamp.js'
import type { LoopGuard } from '../base/turn.js'
import type { IndexSpec } from '../index/index-spec.js'
import { orderKindOf } from '../index/scalar-kind.js'
import { type DeleteDelta, DeleteList, decodeDeleteDelta } from '../log/delete-delta.js'
import type { FilterCache } from '../query/filter-cache.js'
import { type CollectionSchema, pkField } from '../schema/collection-schema.js'
import type { Column } from '../schema/column.js'
import { isVectorType } from '../schema/data-type.js'
import type { ColumnCache } from '../segment/column-cache.js'
import { GrowingSegment } from '../segment/growing-segment.js'
import { type Manifest, manifestOp } from '../segment/manifest.js'
import { keyAt } from '../segment/pk-order.js'
import { SealedSegment, type SegmentContext } from '../segment/sealed-segment.js'
import type { Segment, Snapshot } from '../segment/segment.js'
import type { DeleteSource } from '../segment/segment-base.js'
import type { SegmentMeta, StoredIndex } from '../segment/segment-meta.js'
import { SnapshotRegistry } from '../segment/snapshot.js'
import { corrupted } from '../store/codec.js'
import { deltaKey } from '../store/keys.js'
import type { Store, StoreOp } from '../store/store.js'
import type { Catalog } from './catalog.js'
import { openSegmentIndex, openSegmentOrder } from './index-files.js'
import type { CollectionRecord } from './records.js'
import type { BackgroundWork } from './scheduler.js'

/** What all collections of an open database share. */
export interface Environment {
  readonly directory: string
  readonly store: Store
  readonly options: EngineOptions
  readonly oracle: TimestampOracle
  readonly catalog: Catalog
  readonly cache: ColumnCache
  readonly filterCache: FilterCache
  readonly work: BackgroundWork
  readonly loop: LoopGuard
  /** Says a thing once per open database. */
  warnOnce(key: string, message: string): void
}

export class CollectionState implements DeleteSource {
  readonly env: Environment
  readonly id: number
  record: CollectionRecord
  manifest: Manifest
  sealed: SealedSegment[]
  joining: SealedSegment[] = []
  /** Full growing segments that wait for their flush, oldest first. */
  frozen: GrowingSegment[] = []
  growing: GrowingSegment
  visibleTick: Tick
  appliedTick: Tick
  /** Why the collection takes no more writes; null while it does. */
  broken: MilvusError | null = null
  dropped = false
  /** Reads that have not begun wait for this; null (nearly always): none has to. See holdReads(). */
  gate: Promise<void> | null = null
  /** Highest horizon that background work was given: older states must not be asked for any more. */
  purgedTick: Tick
  readonly snapshots: SnapshotRegistry
  /** Stored deltas in memory, by number; null until first needed. */
  #deltas: Map<number, DeleteDelta> | null = null
  #deltasLoading: Promise<void> | null = null
  /** Scalar indexes by field id, and the list of definitions they were sorted from. */
  readonly #orders = new Map<number, readonly IndexSpec[]>()
  #ordersOf: readonly IndexSpec[] | null = null
  #editing: Promise<unknown> = Promise.resolve()
  /** Wakes writers that wait for a flush. */
  #waitingForFlush: (() => void)[] = []

  constructor(env: Environment, record: CollectionRecord, manifest: Manifest, tick: Tick) {
    this.env = env
    this.id = record.id
    this.record = record
    this.manifest = manifest
    this.visibleTick = tick
    this.appliedTick = tick
    this.purgedTick = manifest.purgedTick
    this.sealed = manifest.segments.map(meta => new SealedSegment(meta, this.segmentContext()))
    this.growing = this.newGrowing()
    this.snapshots = new SnapshotRegistry(env.cache, segment => this.onUnpinned(segment))
  }

  get schema(): CollectionSchema {
    return this.record.schema
  }

  get loaded(): boolean {
    return this.record.load !== 'none'
  }

  /** Set by the compaction flow: removes a retired segment that nobody reads any more. */
  onUnpinned: (segment: SealedSegment) => void = () => assert(false, 'the compaction flow is wired')

  /** Background work is about to drop rows that were deleted at or before `horizon`. */
  notePurge(horizon: Tick): void {
    this.purgedTick = Math.max(this.purgedTick, horizon)
  }

  newGrowing(): GrowingSegment {
    return new GrowingSegment(
      this.env.oracle.next(),
      this.schema,
      new DeleteList(pkField(this.schema).dataType),
    )
  }

  segmentContext(): SegmentContext {
    return {
      store: this.env.store,
      cache: this.env.cache,
      deletes: this,
      schema: () => this.record.schema,
      indexIdOf: fieldId => this.indexIdOf(fieldId),
      openIndex: (meta, stored) =>
        openSegmentIndex(this.env, this.record, meta, stored, () => this.#keeps(meta.id, stored)),
      orderSpecs: fieldId => this.orderSpecs(fieldId),
      openOrder: (meta, stored) =>
        openSegmentOrder(this.env, this.record, meta, stored, () => this.#keeps(meta.id, stored)),
    }
  }

  /**
   * True while an index file has to be there: files leave after the manifest has let go of them, and those of a closed
   * database belong to whoever opened it next.
   */
  #keeps(segmentId: number, { fileName }: StoredIndex): boolean {
    if (this.env.work.closed || this.dropped) return false
    const meta = this.manifest.segments.find(segment => segment.id === segmentId)
    return meta?.indexes.some(stored => stored.fileName === fileName) === true
  }

  /** Id of the index definition on a field, or −1. */
  indexIdOf(fieldId: number): number {
    const field = this.schema.fields.find(f => f.id === fieldId)
    return this.record.indexes.find(spec => spec.fieldName === field?.name)?.id ?? -1
  }

  /** Definitions of scalar indexes on a field that are built. */
  orderSpecs(fieldId: number): readonly IndexSpec[] {
    const { indexes, schema } = this.record
    if (this.#ordersOf !== indexes) {
      this.#ordersOf = indexes
      this.#orders.clear()
      for (const spec of indexes) {
        const field = schema.fields.find(f => f.name === spec.fieldName)
        if (field === undefined || isVectorType(field.dataType) || orderKindOf(spec, field) === null) continue
        this.#orders.set(field.id, [...(this.#orders.get(field.id) ?? []), spec])
      }
    }
    return this.#orders.get(fieldId) ?? []
  }

  /** Every segment with rows, oldest first. */
  segments(): Segment[] {
    const all: Segment[] = [...this.sealed, ...this.frozen]
    if (this.growing.rowCount > 0) all.push(this.growing)
    return all
  }

  /** A frozen view as of `tick`; the caller releases it. */
  snapshot(tick: Tick = this.visibleTick): Snapshot {
    return this.snapshots.take(tick, this.segments())
  }

  /**
   * Notes deletes: a segment that is loaded from now on catches up with them. Those that are resident are marked next
   * (`markKeys`), before the next delete is noted.
   */
  noteDeletes(keys: Column, rowCount: number, scope: number, tick: Tick): void {
    this.growing.deleteList.append(keys, 0, rowCount, scope, tick)
  }

  /** Marks keys [from, to) of noted deletes wherever they live in memory. */
  markKeys(keys: Column, from: number, to: number, scope: number, tick: Tick): void {
    for (const segment of this.sealed) segment.deleteRows(keys, from, to, scope, tick)
    for (const segment of this.joining) segment.deleteRows(keys, from, to, scope, tick)
    for (let row = from; row < to; row++) {
      const key = keyAt(keys, row)
      for (const segment of this.frozen) segment.deletePk(key, scope, tick)
      this.growing.deletePk(key, scope, tick)
    }
  }

  /**
   * Makes reads that have not begun wait until the returned function is called. Only barriers of the write queue may
   * call it, so two holds never overlap.
   */
  holdReads(): () => void {
    assert(this.gate === null, 'reads are held once')
    let open: () => void = () => undefined
    this.gate = new Promise<void>(resolve => {
      open = resolve
    })
    return () => {
      this.gate = null
      open()
    }
  }

  // DeleteSource

  load(): Promise<void> | undefined {
    if (this.#deltas !== null) return undefined
    this.#deltasLoading ??= this.#loadDeltas().finally(() => {
      this.#deltasLoading = null
    })
    return this.#deltasLoading
  }

  async #loadDeltas(): Promise<void> {
    const loaded = new Map<number, DeleteDelta>()
    const metas = this.manifest.deltas
    const values = await this.env.store.getMany(metas.map(meta => deltaKey(this.id, meta.delta)))
    for (let i = 0; i < metas.length; i++) {
      const bytes = values[i]
      const what = `delete delta ${metas[i]!.delta} of collection ${this.id}`
      if (bytes === undefined) {
        // Compaction may have dropped the delta since the list was taken: then no segment needs it.
        if (!this.manifest.deltas.some(meta => meta.delta === metas[i]!.delta)) continue
        throw corrupted(what, 'missing', 'a value', 'none')
      }
      loaded.set(metas[i]!.delta, decodeDeleteDelta(bytes, what))
    }
    // A flush may have written another one meanwhile.
    for (const { delta } of this.manifest.deltas) if (!loaded.has(delta)) return this.#loadDeltas()
    this.#deltas = loaded
  }

  /** Notes a delta that a flush has just written. */
  addDelta(delta: number, entries: DeleteDelta): void {
    this.#deltas?.set(delta, entries)
  }

  /** Forgets deltas that no segment needs. */
  dropDeltas(deltas: readonly number[]): void {
    for (const delta of deltas) this.#deltas?.delete(delta)
  }

  lists(afterDelta: number): readonly DeleteDelta[] {
    assert(this.#deltas !== null, 'the deltas are in memory')
    const lists: DeleteDelta[] = []
    for (const [delta, entries] of this.#deltas) if (delta > afterDelta) lists.push(entries)
    for (const segment of this.frozen) lists.push(segment.deleteList)
    lists.push(this.growing.deleteList)
    return lists
  }

  /**
   * Replaces the manifest by `change(manifest)` in one synced write together with `ops`; `swap` runs right after the
   * write, in the same synchronous step. Edits of one collection run one after another.
   */
  editManifest(
    change: (current: Manifest) => { manifest: Manifest; ops: readonly StoreOp[] },
    swap: () => void,
  ): Promise<void> {
    const run = this.#editing.then(async () => {
      const { manifest, ops } = change(this.manifest)
      const stamped = { ...manifest, lastTick: this.env.oracle.last }
      await this.env.store.write([...ops, manifestOp(this.id, stamped)], true)
      this.manifest = stamped
      swap()
    })
    this.#editing = run.catch(() => undefined)
    return run
  }

  /** Resolves when no manifest edit is running. */
  async editsDone(): Promise<void> {
    await this.#editing
  }

  /** Replaces the meta of a live segment in `segments`. */
  static withMeta(segments: readonly SegmentMeta[], meta: SegmentMeta): SegmentMeta[] {
    return segments.map(existing => (existing.id === meta.id ? meta : existing))
  }

  /** True when one more segment may be frozen. */
  get canFreeze(): boolean {
    return this.frozen.length < this.env.options.frozenSegmentsMax
  }

  /** Resolves when the next flush has ended, well or not. */
  flushEnded(): Promise<void> {
    return new Promise(resolve => this.#waitingForFlush.push(resolve))
  }

  /** Called by the flush flow whenever a frozen segment is gone or will never go. */
  wakeWriters(): void {
    const waiting = this.#waitingForFlush
    this.#waitingForFlush = []
    for (const resolve of waiting) resolve()
  }
}
