/**
 * Deletes, by primary keys and by filter (upsert-semantics §3.3).
 *
 * A filter that is only `pk == v` or `pk in [...]` names its keys itself: nothing is read and the collection need not
 * be loaded. Any other filter is evaluated at the request's turn, and the keys it finds become one delete record: unlike
 * in Milvus, a delete by filter is atomic however many rows it hits.
 */
import { invalid, MilvusError } from '../base/errors.js'
import { Turn } from '../base/turn.js'
import { type FilterPlan, planInSlices, type TemplateValues } from '../filter/compile.js'
import { matchRows, rowsOf } from '../query/match-rows.js'
import { pkField } from '../schema/collection-schema.js'
import type { Column } from '../schema/column.js'
import { DataType, dataTypeName } from '../schema/data-type.js'
import { writeInt64 } from '../schema/int64.js'
import type { PkKey } from '../segment/segment.js'
import type { CollectionState } from './collection-state.js'
import { checkReadable, readContext } from './read-path.js'
import { checkPartitionArgument, partitionId, type ReadyWrite } from './write-request.js'

const NO_ROWS = { insertCount: 0, upsertCount: 0, ids: [] } as const

/**
 * The plan of a delete filter; a promise only for filters with long lists.
 * @throws MilvusError ParameterInvalid for expressions that do not parse, are empty or match everything
 */
export function planDelete(
  state: CollectionState,
  filter: string,
  templates: TemplateValues | undefined,
): FilterPlan | Promise<FilterPlan> {
  const plan = planInSlices(state.schema, filter, templates, 'delete')
  return plan instanceof Promise ? plan.then(made => checkDelete(made, filter)) : checkDelete(plan, filter)
}

function checkDelete(plan: FilterPlan, filter: string): FilterPlan {
  if (plan.kind === 'all') throw invalid(`delete plan can't be empty or always true : ${filter}`)
  return plan
}

/** Keys given by the caller, in the form the columns know them. Int64 keys may be decimal text. */
export function deleteKeysOf(state: CollectionState, ids: readonly unknown[]): PkKey[] {
  const field = pkField(state.schema)
  const distinct = new Set<PkKey>()
  for (const id of ids) distinct.add(keyOf(field.dataType, field.name, id))
  return [...distinct]
}

function keyOf(type: DataType, name: string, id: unknown): PkKey {
  if (type === DataType.VarChar) {
    if (typeof id === 'string') return id
  } else if (typeof id === 'number' && Number.isSafeInteger(id)) {
    return id
  } else if (typeof id === 'bigint' || (typeof id === 'string' && /^-?\d{1,19}$/.test(id))) {
    const value = BigInt(id)
    if (BigInt.asIntN(64, value) === value) {
      return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
        ? Number(value)
        : value
    }
  }
  throw invalid(
    `primary key "${name}": expected ${dataTypeName(type)}, got ${typeof id} ${JSON.stringify(String(id))}`,
  )
}

/** Scope of a delete: the named partition, or all (−1). */
export function deleteScope(state: CollectionState, partitionName: string | undefined): number {
  checkPartitionArgument(state.schema, partitionName)
  if (partitionName === undefined || partitionName === '') return -1
  try {
    return partitionId(state, partitionName)
  } catch (cause) {
    if (cause instanceof MilvusError && cause.reason === 'PartitionNotFound') {
      throw new MilvusError('PartitionNotFound', 'Failed to get partition id', {
        fields: { partition: partitionName },
        cause,
      })
    }
    throw cause
  }
}

/** Delete of listed keys: counted whether they exist or not. */
export function readyDelete(state: CollectionState, keys: readonly PkKey[], scope: number): ReadyWrite {
  const remove = keys.length === 0 ? null : { pk: keyColumn(state, keys), rowCount: keys.length, scope }
  return { insert: null, remove, result: { ...NO_ROWS, deleteCount: keys.length } }
}

/** Delete of whatever the filter finds at the request's turn. */
export async function decideDelete(
  state: CollectionState,
  plan: FilterPlan,
  scope: number,
): Promise<ReadyWrite> {
  checkReadable(state, 'delete', scope)
  const snapshot = state.snapshot(state.appliedTick)
  try {
    const context = {
      ...readContext(state, undefined),
      ...(scope < 0 ? {} : { partitions: new Set([scope]) }),
    }
    const keys = new Set<PkKey>()
    const turn = new Turn()
    for (const segment of snapshot.segments) {
      const question = { context, tick: snapshot.tick, plan, everyVersion: true }
      const rows = rowsOf(await matchRows(question, segment, turn))
      for (let i = 0; i < rows.length; i++) {
        keys.add(segment.pkOf(rows[i]!))
        if ((i & 1023) === 1023 && turn.due()) await turn.next()
      }
    }
    return readyDelete(state, [...keys], scope)
  } finally {
    snapshot.release()
  }
}

function keyColumn(state: CollectionState, keys: readonly PkKey[]): Column {
  if (pkField(state.schema).dataType === DataType.Int64) {
    const words = new Int32Array(keys.length * 2)
    for (let i = 0; i < keys.length; i++) {
      writeInt64(words, i * 2, keys[i] as number | bigint)
    }
    return { layout: 'fixed', width: 2, values: words, validity: null }
  }
  const texts = keys.map(key => Buffer.from(String(key), 'utf8'))
  const offsets = new Uint32Array(keys.length + 1)
  for (let i = 0; i < texts.length; i++) offsets[i + 1] = offsets[i]! + texts[i]!.length
  return { layout: 'var', offsets, heap: Buffer.concat(texts), validity: null }
}
