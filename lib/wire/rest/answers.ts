/** What the REST endpoints share: naming a collection in a request, reading answers of calls. */
import { type Body, type RestContext, textOf } from './route.js'

/** Fields of most requests about one collection. */
export function named(body: Body, context: RestContext): { db_name: string; collection_name: string } {
  return { db_name: context.database, collection_name: textOf(body, 'collectionName') }
}

/** `rowCount` of a statistics answer, as a number. */
export function rowCountOf(
  stats: readonly { readonly key?: string | undefined; readonly value?: string | undefined }[],
): number {
  return Number(stats.find(pair => pair.key === 'row_count')?.value ?? 0)
}

const LOAD_STATE_NAMES = [
  'LoadStateNotExist',
  'LoadStateNotLoad',
  'LoadStateLoading',
  'LoadStateLoaded',
] as const

export function loadStateName(state: number): string {
  return LOAD_STATE_NAMES[state] ?? LOAD_STATE_NAMES[0]
}

/** The answer of a call as fields; finished bytes are only ever made for answers that carry rows. */
export function answered<T extends object>(answer: T | Buffer): T {
  if (Buffer.isBuffer(answer)) throw new TypeError('a call about names answers with fields')
  return answer
}
