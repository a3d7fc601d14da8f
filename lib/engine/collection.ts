/**
 * One open collection: every verb of the engine that concerns it, each a few lines that hand over to its own flow file.
 *
 * This is the surface that the embedded client and the wire adapters translate to; it speaks columns, ticks and ids,
 * never wire shapes.
 */
import { MilvusError } from '../base/errors.js'
import { atOnce, inSlices, type Steps } from '../base/steps.js'
import { Turn } from '../base/turn.js'
import { copyTemplates, type FilterPlan, type TemplateValues } from '../filter/compile.js'
import { filterReady } from '../filter/geometry-library.js'
import type { IndexSpec } from '../index/index-spec.js'
import { runHybrid } from '../query/hybrid.js'
import type { QueryIteratorRequest } from '../query/query-pages.js'
import type {
  GetRequest,
  HybridRequest,
  QueryRequest,
  Row,
  SearchCursor,
  SearchHit,
  SearchRequest,
} from '../query/request.js'
import { runCount, runGet, runQuery } from '../query/retrieve.js'
import { runAnySearch } from '../query/search-lists.js'
import type { SearchIteratorRequest } from '../query/search-pages.js'
import type { CollectionSchema } from '../schema/collection-schema.js'
import type { PartialBatch } from '../schema/rows-to-columns.js'
import { CollectionBackground } from './background.js'
import { type CollectionStats, exactFigures, figures, unloadReleased } from './collection-figures.js'
import type { CollectionState } from './collection-state.js'
import { compactOnce, removeSegment } from './compaction-flow.js'
import { decideDelete, deleteKeysOf, deleteScope, planDelete, readyDelete } from './delete-path.js'
import { freezeGrowing } from './flush.js'
import { buildOneIndex } from './index-builds.js'
import { type IteratorScope, type PageIterator, queryIterator, searchIterator } from './iterators.js'
import { decideMerge } from './merge-read.js'
import { checkReadable, openSnapshot, type ReadScope, readContext } from './read-path.js'
import { WritePath } from './write-path.js'
import {
  arrayOps,
  batchBytes,
  checkUpsertKeys,
  LARGE_BYTES,
  type ReadyWrite,
  readyInsert,
  readyOverride,
  scopeOf,
  type UpsertOptions,
  type WriteResult,
} from './write-request.js'

export class EngineCollection {
  readonly state: CollectionState
  readonly background: CollectionBackground
  readonly writes: WritePath

  constructor(state: CollectionState) {
    this.state = state
    this.background = new CollectionBackground(state)
    this.writes = new WritePath(state, {
      start: () => void this.background.flushFrozen(),
      error: () => this.background.flushError,
    })
    state.onUnpinned = segment => {
      removeSegment(state, segment).catch(error => {
        state.env.warnOnce(
          `remove ${segment.id}`,
          `segment ${segment.id} could not be removed: ${String(error)}`,
        )
      })
    }
  }

  get schema(): CollectionSchema {
    return this.state.schema
  }

  get indexes(): readonly IndexSpec[] {
    return this.state.record.indexes
  }

  /**
   * Inserts rows. Durable on return (see option `durability`).
   * @throws MilvusError for bad rows (nothing is written then); IoFailed, DiskFull
   */
  async insert(batch: PartialBatch, partitionName?: string): Promise<WriteResult> {
    return this.#writeReady(batch, () => readyInsert(this.state, batch, partitionName))
  }

  /**
   * Upserts rows, in override mode or, with `partialUpdate` or an array operation, in merge mode. Durable on return.
   * @throws MilvusError as insert(); CollectionNotLoaded in merge mode
   */
  async upsert(batch: PartialBatch, options: UpsertOptions = {}): Promise<WriteResult> {
    const { partitionName } = options
    const ops = arrayOps(this.schema, batch, options.fieldOps)
    if (options.partialUpdate !== true && ops.size === 0) {
      return this.#writeReady(batch, () => readyOverride(this.state, batch, partitionName))
    }
    checkUpsertKeys(this.schema, batch, partitionName)
    scopeOf(this.state, partitionName)
    return this.#write(batch, () => decideMerge(this.state, batch, ops, partitionName))
  }

  /**
   * Writes what needs nothing but the request. It is judged at once, before it takes its place among the writes; a large
   * one in slices, when its turn comes: taking it in has used up this round of the event loop.
   */
  #writeReady(batch: PartialBatch, judge: () => Steps<ReadyWrite>): Promise<WriteResult> {
    if (batchBytes(batch) < LARGE_BYTES) {
      const ready = atOnce(judge())
      return this.#write(batch, () => ready)
    }
    return this.#write(batch, async () => {
      const turn = new Turn()
      if (turn.due()) await turn.next()
      const ready = await inSlices(judge(), turn)
      if (turn.due()) await turn.next()
      return ready
    })
  }

  #write(batch: PartialBatch, decide: () => ReadyWrite | Promise<ReadyWrite>): Promise<WriteResult> {
    const { schema } = this.state
    return this.writes.write(batchBytes(batch), () => {
      // Columns stand in the order of the schema they were made for.
      if (this.state.schema.version !== schema.version)
        throw new MilvusError('SchemaMismatch', 'the schema changed while the request waited')
      return decide()
    })
  }

  /**
   * Deletes by primary keys; nothing is read, existing or not they are counted. Durable on return.
   * @throws MilvusError ParameterInvalid, PartitionNotFound
   */
  async deleteIds(ids: readonly unknown[], partitionName?: string): Promise<WriteResult> {
    const keys = deleteKeysOf(this.state, ids)
    const ready = readyDelete(this.state, keys, deleteScope(this.state, partitionName))
    if (keys.length === 0) return { ...ready.result, tick: this.state.visibleTick }
    return this.writes.write(keys.length * 24, () => ready)
  }

  /**
   * Deletes what a filter matches, as one atomic request. Durable on return.
   * @throws MilvusError ParameterInvalid, PartitionNotFound, CollectionNotLoaded (filters that need reading)
   */
  async deleteWhere(
    filter: string,
    templates?: TemplateValues,
    partitionName?: string,
  ): Promise<WriteResult> {
    const ready = filterReady(this.schema)
    if (ready !== undefined) await ready
    const { schema } = this.state
    const values = templates === undefined ? undefined : copyTemplates(templates)
    const plan = planDelete(this.state, filter, values)
    // A plan knows fields by their places, which a change of the schema may have moved.
    const current = async (): Promise<FilterPlan> =>
      this.state.schema === schema ? plan : planDelete(this.state, filter, values)
    if (plan instanceof Promise) return this.#deleteLong(filter, plan, current, partitionName)
    const scope = deleteScope(this.state, partitionName)
    if (plan.pkIn !== null) {
      const ready = readyDelete(this.state, plan.pkIn, scope)
      if (plan.pkIn.length === 0) return { ...ready.result, tick: this.state.visibleTick }
      return this.writes.write(plan.pkIn.length * 24, () => ready)
    }
    checkReadable(this.state, 'delete', scope)
    return this.writes.write(filter.length + 64, async () => decideDelete(this.state, await current(), scope))
  }

  /** A delete whose plan is being made in slices: it takes its place among the writes at once, as every other. */
  #deleteLong(
    filter: string,
    planned: Promise<FilterPlan>,
    current: () => Promise<FilterPlan>,
    partitionName: string | undefined,
  ): Promise<WriteResult> {
    // Looked at when its turn comes; until then a refusal must not count as unhandled.
    planned.catch(() => undefined)
    return this.writes.write(filter.length + 64, async () => {
      await planned
      const scope = deleteScope(this.state, partitionName)
      const plan = await current()
      if (plan.pkIn === null) return decideDelete(this.state, plan, scope)
      return readyDelete(this.state, plan.pkIn, scope)
    })
  }

  /** Rows by primary key, in the order asked, absent ones left out. */
  get(request: GetRequest, scope: ReadScope = {}): Promise<Row[]> | Row[] {
    const wait = this.state.gate ?? this.state.env.loop.breathe()
    return wait === undefined ? this.#get(request, scope) : wait.then(() => this.get(request, scope))
  }

  #get(request: GetRequest, scope: ReadScope): Promise<Row[]> | Row[] {
    const snapshot = openSnapshot(this.state, 'query', scope)
    let later = false
    try {
      const rows = runGet(
        readContext(this.state, scope.partitionNames),
        snapshot,
        request.ids,
        request.outputFields,
        request,
      )
      if (!(rows instanceof Promise)) return rows
      later = true
      return rows.finally(() => snapshot.release())
    } finally {
      if (!later) snapshot.release()
    }
  }

  /** Rows that match a filter, by ascending primary key. */
  async query(request: QueryRequest, scope: ReadScope = {}): Promise<Row[]> {
    const breath = filterReady(this.schema) ?? this.state.env.loop.breathe()
    if (breath !== undefined) await breath
    while (this.state.gate !== null) await this.state.gate
    const snapshot = openSnapshot(this.state, 'query', scope)
    try {
      return await runQuery(readContext(this.state, scope.partitionNames), snapshot, request)
    } finally {
      snapshot.release()
    }
  }

  /** Number of live row versions that match a filter. */
  async count(
    request: Pick<QueryRequest, 'filter' | 'templates' | 'timeZone'>,
    scope: ReadScope = {},
  ): Promise<number> {
    const breath = filterReady(this.schema) ?? this.state.env.loop.breathe()
    if (breath !== undefined) await breath
    while (this.state.gate !== null) await this.state.gate
    const snapshot = openSnapshot(this.state, 'query', scope)
    try {
      return await runCount(readContext(this.state, scope.partitionNames), snapshot, request)
    } finally {
      snapshot.release()
    }
  }

  /** Nearest rows for each query vector. */
  async search(request: SearchRequest, scope: ReadScope = {}): Promise<SearchHit[][]> {
    const breath = filterReady(this.schema) ?? this.state.env.loop.breathe()
    if (breath !== undefined) await breath
    while (this.state.gate !== null) await this.state.gate
    const snapshot = openSnapshot(this.state, 'search', scope)
    try {
      return await runAnySearch(readContext(this.state, scope.partitionNames), snapshot, request)
    } finally {
      snapshot.release()
    }
  }

  /** Several searches fused into one ranking. */
  async hybridSearch(request: HybridRequest, scope: ReadScope = {}): Promise<SearchHit[][]> {
    const breath = filterReady(this.schema) ?? this.state.env.loop.breathe()
    if (breath !== undefined) await breath
    while (this.state.gate !== null) await this.state.gate
    const snapshot = openSnapshot(this.state, 'search', scope)
    try {
      return await runHybrid(readContext(this.state, scope.partitionNames), snapshot, request)
    } finally {
      snapshot.release()
    }
  }

  /** Rows that a filter selects, page by page over one state. */
  queryIterator(request: QueryIteratorRequest, scope: IteratorScope = {}): Promise<PageIterator<Row>> {
    return queryIterator(this.state, request, scope)
  }

  /** All rows that a filter selects, nearest first, page by page over one state. */
  searchIterator(
    request: SearchIteratorRequest,
    scope: IteratorScope = {},
    after?: SearchCursor,
  ): Promise<PageIterator<SearchHit>> {
    return searchIterator(this.state, request, scope, after)
  }

  /** Returns when every row acknowledged so far is in a sealed segment. */
  async flush(): Promise<void> {
    await this.writes.barrier(async () => {
      if (this.state.broken !== null) throw this.state.broken
      freezeGrowing(this.state)
    })
    const target = this.state.frozen.at(-1)
    if (target === undefined) return
    while (this.state.frozen.includes(target)) {
      await this.background.flushFrozen()
      const stopped = this.state.broken ?? this.background.flushError
      if (stopped !== null && this.state.frozen.includes(target)) throw stopped
      if (this.state.dropped || this.state.env.work.closed)
        throw new MilvusError('Canceled', 'the collection was dropped or closed during flush')
    }
  }

  /** Returns when everything mergeable is merged, deleted rows are purged and declared graphs are built. */
  async compact(): Promise<void> {
    await this.flush()
    const { work } = this.state.env
    await this.background.idle()
    while (await work.compaction(() => compactOnce(this.state, 'full'))) {
      // Again until the picker has nothing left.
    }
    await this.finishIndexes()
    // Choosing needed the keys; a released collection gives them back.
    unloadReleased(this.state)
  }

  /** Returns when every declared graph is built. */
  async finishIndexes(): Promise<void> {
    await this.background.idle()
    // A graph counts as missing only once its file was tried, and nobody may have searched yet.
    if (this.state.loaded) await Promise.all(this.state.sealed.map(segment => segment.loadIndexes()))
    for (;;) {
      const outcome = await this.state.env.work.index(() => buildOneIndex(this.state))
      if (outcome.kind === 'failed') throw outcome.error
      if (outcome.kind === 'nothing') return
    }
  }

  /** Makes keys and indexes resident. */
  async preload(): Promise<void> {
    await Promise.all(
      this.state.sealed.map(async segment => {
        await segment.load([])
        await segment.loadIndexes()
      }),
    )
    this.background.buildIndexes()
  }

  /** stats() with every delete counted: brings the keys of all segments into memory, as any read does. */
  exactStats(): Promise<CollectionStats> {
    return exactFigures(this.state)
  }

  /** Figures at once: of segments whose keys are not in memory only the deletes they were written with are known. */
  stats(): CollectionStats {
    return figures(this.state)
  }
}
