/** REST endpoints about indexes. */
import { MilvusError } from '../../base/errors.js'
import { IndexState } from '../messages/common.js'
import { answered, named } from './answers.js'
import { pairsOf, paramText } from './pairs.js'
import {
  type Body,
  NOTHING,
  objectOf,
  objectsOf,
  type RestContext,
  type Route,
  route,
  textOf,
  textsOf,
} from './route.js'

const NAMED = { collectionName: 'string!' } as const

/** Creates indexes one after the other; the first error stops. */
export async function createIndexes(
  collection: string,
  indexes: readonly Body[],
  context: RestContext,
): Promise<void> {
  for (const index of indexes) {
    await context.calls.CreateIndex(
      {
        db_name: context.database,
        collection_name: collection,
        field_name: textOf(index, 'fieldName'),
        index_name: textOf(index, 'indexName'),
        extra_params: indexParams(index),
      },
      context,
    )
  }
}

/** `indexType` and `metricType` may stand beside the parameters or among them. */
function indexParams(index: Body): { key: string; value: string }[] {
  const params = objectOf(index, 'params')
  const { index_type: innerType, metric_type: innerMetric, ...rest } = params
  const type = textOf(index, 'indexType') || (innerType === undefined ? '' : paramText(innerType))
  const metric = textOf(index, 'metricType') || (innerMetric === undefined ? '' : paramText(innerMetric))
  return pairsOf({
    ...(type === '' ? {} : { index_type: type }),
    ...(metric === '' ? {} : { metric_type: metric }),
    ...rest,
  })
}

interface Described {
  readonly index_name?: string | undefined
  readonly field_name?: string | undefined
  readonly params?:
    | readonly { readonly key?: string | undefined; readonly value?: string | undefined }[]
    | undefined
}

/** All indexes of a collection; none is an empty list, not an error. */
export async function indexesOf(
  collection: string,
  context: RestContext,
  indexName = '',
): Promise<readonly Described[]> {
  try {
    const answer = await context.calls.DescribeIndex(
      {
        db_name: context.database,
        collection_name: collection,
        field_name: '',
        index_name: indexName,
        timestamp: 0n,
      },
      context,
    )
    return answered(answer).index_descriptions ?? []
  } catch (error) {
    if (indexName === '' && error instanceof MilvusError && error.reason === 'IndexNotFound') return []
    throw error
  }
}

export function paramOf(index: Described, key: string): string {
  return index.params?.find(pair => pair.key === key)?.value ?? ''
}

const STATE_NAMES = ['IndexStateNone', 'Unissued', 'InProgress', 'Finished', 'Failed', 'Retry'] as const

export const indexRoutes: readonly Route[] = [
  route('indexes/list', NAMED, async (body, context) => {
    const indexes = await indexesOf(textOf(body, 'collectionName'), context)
    return { data: indexes.map(index => index.index_name ?? '') }
  }),
  route('indexes/describe', { ...NAMED, indexName: 'string!', timestamp: 'any' }, async (body, context) => {
    const answer = await context.calls.DescribeIndex(
      { ...named(body, context), field_name: '', index_name: textOf(body, 'indexName'), timestamp: 0n },
      context,
    )
    const data = (answered(answer).index_descriptions ?? []).map(index => ({
      indexName: index.index_name ?? '',
      fieldName: index.field_name ?? '',
      indexType: paramOf(index, 'index_type'),
      metricType: paramOf(index, 'metric_type'),
      totalRows: index.total_rows ?? 0,
      pendingRows: index.pending_index_rows ?? 0,
      indexedRows: index.indexed_rows ?? 0,
      indexState: STATE_NAMES[index.state ?? IndexState.none] ?? STATE_NAMES[0],
      failReason: index.index_state_fail_reason ?? '',
      minIndexVersion: index.min_index_version ?? 0,
      maxIndexVersion: index.max_index_version ?? 0,
      indexParams: Object.fromEntries((index.params ?? []).map(pair => [pair.key ?? '', pair.value ?? ''])),
    }))
    return { data }
  }),
  route('indexes/create', { ...NAMED, indexParams: 'objects!' }, async (body, context) => {
    await createIndexes(textOf(body, 'collectionName'), objectsOf(body, 'indexParams'), context)
    return NOTHING
  }),
  route('indexes/drop', { ...NAMED, indexName: 'string!' }, async (body, context) => {
    await context.calls.DropIndex(
      { ...named(body, context), field_name: '', index_name: textOf(body, 'indexName') },
      context,
    )
    return NOTHING
  }),
  route(
    'indexes/alter_properties',
    { ...NAMED, indexName: 'string!', properties: 'object!' },
    async (body, context) => {
      await context.calls.AlterIndex(
        {
          ...named(body, context),
          index_name: textOf(body, 'indexName'),
          extra_params: pairsOf(objectOf(body, 'properties')),
          delete_keys: [],
        },
        context,
      )
      return NOTHING
    },
  ),
  route(
    'indexes/drop_properties',
    { ...NAMED, indexName: 'string!', propertyKeys: 'strings!' },
    async (body, context) => {
      await context.calls.AlterIndex(
        {
          ...named(body, context),
          index_name: textOf(body, 'indexName'),
          extra_params: [],
          delete_keys: textsOf(body, 'propertyKeys'),
        },
        context,
      )
      return NOTHING
    },
  ),
]
