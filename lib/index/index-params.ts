/**
 * Judges an index request: field, type, metric and parameters, and what already exists (query-search-semantics §4).
 *
 * Everything a user can get wrong about an index is found here, before anything changes; what comes out is an
 * IndexSpec that the rest of the engine believes. Parameters are echoed by describe as given, so they are checked but
 * not rewritten; `hnswParamsOf` turns them into the numbers a graph is built with.
 */
import { assert } from '../base/assert.js'
import { invalid, type MilvusError } from '../base/errors.js'
import { shownValue } from '../base/json.js'
import { LIMITS } from '../base/limits.js'
import { type CollectionSchema, type FieldSchema, fieldIndex } from '../schema/collection-schema.js'
import { DataType, dataTypeName, isVectorType } from '../schema/data-type.js'
import { elementField, structSubField } from '../schema/struct-codec.js'
import { declaredWords } from './declared-words.js'
import { checkParam, checkRefinement, checkStorageParams, checkSubquantizers } from './index-param-rules.js'
import type { IndexSpec, MetricType } from './index-spec.js'
import {
  autoIndexType,
  isStorageParam,
  type Server,
  VECTOR_INDEX_TYPES,
  type VectorIndexType,
} from './index-types.js'
import { defaultMetric, listMetric, vectorMetric } from './metric.js'
import { checkScalarIndex, jsonPathSteps } from './scalar-params.js'
import type { HnswParams } from './vector-index.js'

export { checkSearchParams, type SearchParams } from './search-params.js'

export interface IndexRequest {
  /** A field, or a key of the dynamic field (JSON indexes). */
  readonly fieldName: string
  readonly indexName?: string
  /** Any case; missing or empty means AUTOINDEX. */
  readonly indexType?: string
  /** Any case; missing or empty means the default of the field's type. */
  readonly metricType?: string
  /**
   * Build parameters. `index_type`, `metric_type` and a nested `params` (object or JSON text) are understood too,
   * as the SDKs send them; what is said twice must agree.
   */
  readonly params?: Readonly<Record<string, unknown>>
}

/** What the graph of AUTOINDEX and of every type without M and efConstruction is built with (§4.3). */
const AUTO_GRAPH = { m: 18, efConstruction: 240 } as const
/** Defaults of the HNSW family (§4.2). */
const HNSW_GRAPH = { m: 30, efConstruction: 360 } as const
/** Beyond this a graph only builds slower; int_max is accepted and echoed, but not obeyed. */
const EF_CONSTRUCTION_MAX = 4096
const BM25_FUNCTION = 1

/**
 * Checks a request to create an index.
 * @param existing the collection's indexes
 * @param nextId id for a new one
 * @returns the index to add, or the equal one that exists (`isNew` false)
 * @throws MilvusError ParameterInvalid, ParameterMissing with Milvus's texts
 */
export function checkIndex(
  schema: CollectionSchema,
  request: IndexRequest,
  existing: readonly IndexSpec[],
  nextId: number,
): { readonly spec: IndexSpec; readonly isNew: boolean } {
  const given = flatten(request)
  const { field, dynamicKey } = resolveField(schema, request.fieldName)
  if (dynamicKey !== null && given.params['json_path'] === undefined) given.params['json_path'] = dynamicKey
  const indexType = given.indexType === '' ? 'AUTOINDEX' : given.indexType
  const metricType = isVectorType(field.dataType)
    ? checkVectorIndex(schema, field, indexType, given.metricType, given.params)
    : ''
  if (metricType === '') checkScalarIndex(field, indexType, given.params)
  checkStorageParams(given.params)
  const name = request.indexName ?? ''
  if (name !== '') checkIndexName(name)
  const declared = declaredWords(request.params ?? {}, indexType, metricType !== '')
  const spec: IndexSpec = {
    id: nextId,
    name: name === '' ? defaultName(field, given.params) : name,
    fieldName: field.name,
    indexType,
    metricType,
    params: given.params,
    ...(declared !== undefined && { declared }),
  }
  const same = findConflict(spec, field, existing)
  return same === null ? { spec, isNew: true } : { spec: same, isNew: false }
}

/** What serves an index here. */
export function servedBy(spec: IndexSpec, field: FieldSchema): Server {
  if (!isVectorType(field.dataType)) return 'scalar'
  return concreteType(spec, field).server
}

/** The numbers a graph is built with: as declared for the HNSW family, else ours. */
export function hnswParamsOf(spec: IndexSpec, field: FieldSchema): HnswParams {
  const { metricType } = spec
  assert(metricType === 'L2' || metricType === 'IP' || metricType === 'COSINE', 'graphs hold number vectors')
  const declared = spec.indexType.startsWith('HNSW') ? HNSW_GRAPH : AUTO_GRAPH
  const m = Number(spec.params['M'] ?? declared.m)
  const efConstruction = Number(spec.params['efConstruction'] ?? declared.efConstruction)
  return {
    metric: metricType,
    dim: field.dim,
    m,
    efConstruction: Math.min(efConstruction, EF_CONSTRUCTION_MAX),
  }
}

function concreteType(spec: IndexSpec, field: FieldSchema): VectorIndexType {
  const name = spec.indexType === 'AUTOINDEX' ? autoIndexType(field.dataType) : spec.indexType
  const type = VECTOR_INDEX_TYPES[name]
  assert(type !== undefined, `index type ${name} was checked when it was declared`)
  return type
}

interface Given {
  indexType: string
  metricType: string
  readonly params: Record<string, string>
}

/** One flat, textual form of everything a request says. Nulls count as not said. */
function flatten(request: IndexRequest): Given {
  const given: Given = { indexType: '', metricType: '', params: {} }
  const say = (key: string, value: unknown): void => {
    if (value === null || value === undefined) return
    const text = typeof value === 'string' ? value : shownValue(value)
    if (key === 'index_type') given.indexType = agreed(key, given.indexType, text.toUpperCase())
    else if (key === 'metric_type') given.metricType = agreed(key, given.metricType, text.toUpperCase())
    else if (key === 'params') for (const [k, v] of Object.entries(parseParams(value))) say(k, v)
    else given.params[key] = agreed(key, Object.hasOwn(given.params, key) ? given.params[key]! : '', text)
  }
  say('index_type', request.indexType)
  say('metric_type', request.metricType)
  for (const [key, value] of Object.entries(request.params ?? {})) say(key, value)
  return given
}

function agreed(key: string, before: string, now: string): string {
  if (before !== '' && now !== '' && before !== now) {
    throw invalid(`index parameter ${key} is given twice with different values`, {
      expected: before,
      actual: now,
    })
  }
  return now === '' ? before : now
}

function parseParams(value: unknown): Record<string, unknown> {
  if (typeof value !== 'string') {
    if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>
    throw invalid(`index params must be an object, got ${shownValue(value)}`)
  }
  if (value === '') return {}
  if (Buffer.byteLength(value) > LIMITS.indexParamsBytesMax) {
    throw invalid(`index params exceed ${LIMITS.indexParamsBytesMax} bytes`)
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(value)
  } catch (cause) {
    throw invalid(`index params are not JSON: ${value.slice(0, 100)}`, { cause })
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw invalid(`index params must be a JSON object, got ${value.slice(0, 100)}`)
  }
  return parsed as Record<string, unknown>
}

/** The vectors of a struct array as a field to index, under the name `struct[sub]`. */
function listField(sub: FieldSchema, name: string): FieldSchema {
  if (sub.dataType === DataType.ArrayOfVector) return { ...elementField(sub), name }
  throw invalid(`index on a scalar sub-field of a struct array is not supported: ${name}`)
}

function resolveField(
  schema: CollectionSchema,
  name: string,
): { readonly field: FieldSchema; readonly dynamicKey: string | null } {
  const part = structSubField(schema, name)
  if (part !== null) return { field: listField(part.sub, name), dynamicKey: null }
  const at = fieldIndex(schema, name)
  if (at >= 0 && schema.fields[at]!.dataType === DataType.ArrayOfStruct) {
    throw invalid(`index on struct array field ${name} is not supported, name one of its vectors: ${name}[…]`)
  }
  if (at >= 0) return { field: schema.fields[at]!, dynamicKey: null }
  if (schema.dynamicIndex < 0) throw invalid(`cannot create index on non-exist field: ${name}`)
  return { field: schema.fields[schema.dynamicIndex]!, dynamicKey: name }
}

/** Field name, or for a JSON index field name and path, since a field may have several. */
function defaultName(field: FieldSchema, params: Readonly<Record<string, string>>): string {
  if (field.dataType !== DataType.JSON) return field.name
  return field.name + pathPointer(field, params)
}

function pathPointer(field: FieldSchema, params: Readonly<Record<string, string>>): string {
  const steps = jsonPathSteps(field, params['json_path'] ?? field.name)
  return steps.map(step => `/${step}`).join('')
}

function checkIndexName(name: string): void {
  if (Buffer.byteLength(name) > LIMITS.nameBytesMax) {
    throw invalid(`Invalid index name: ${name}. The length of a index name must be less than 255 characters`)
  }
  if (!/^[A-Za-z_]/.test(name)) {
    throw invalid(
      `Invalid index name: ${name}. The first character of a index name must be an underscore or letter`,
    )
  }
  // Slashes, dots and $ occur in the default names of JSON indexes, which users repeat.
  if (!/^[A-Za-z0-9_$/.-]*$/.test(name)) {
    throw invalid(`Invalid index name: ${name}. Index name can only contain numbers, letters and underscores`)
  }
}

/** The existing index this one repeats, null when there is none; throws when it contradicts one (§4.5). */
function findConflict(spec: IndexSpec, field: FieldSchema, existing: readonly IndexSpec[]): IndexSpec | null {
  for (const other of existing) {
    const sameTarget = other.fieldName === spec.fieldName && samePath(other, spec, field)
    if (other.name === spec.name) {
      if (sameTarget && sameDefinition(other, spec)) return other
      throw invalid('CreateIndex failed: at most one distinct index is allowed per field')
    }
    if (sameTarget)
      throw invalid('CreateIndex failed: creating multiple indexes on same field is not supported')
  }
  return null
}

/** Paths are compared by their keys: `j["a"]` and `j['a']` are one. */
function samePath(a: IndexSpec, b: IndexSpec, field: FieldSchema): boolean {
  if (field.dataType !== DataType.JSON) return true
  const steps = ({ params, fieldName }: IndexSpec): string[] =>
    jsonPathSteps(field, params['json_path'] ?? fieldName)
  const [left, right] = [steps(a), steps(b)]
  return left.length === right.length && left.every((step, i) => step === right[i])
}

function sameDefinition(a: IndexSpec, b: IndexSpec): boolean {
  if (a.indexType !== b.indexType || a.metricType !== b.metricType) return false
  const keys = new Set([...Object.keys(a.params), ...Object.keys(b.params)])
  // Which path it is was compared before.
  for (const key of keys)
    if (!isStorageParam(key) && key !== 'json_path' && a.params[key] !== b.params[key]) return false
  return true
}

/** Checks type, metric and parameters of an index on a vector field; returns its metric. */
function checkVectorIndex(
  schema: CollectionSchema,
  field: FieldSchema,
  indexType: string,
  metricType: string,
  params: Readonly<Record<string, string>>,
): MetricType {
  const auto = indexType === 'AUTOINDEX'
  const type = VECTOR_INDEX_TYPES[auto ? autoIndexType(field.dataType) : indexType]
  if (type === undefined) {
    // A scalar type on a vector field has its own text; anything else is unknown.
    checkScalarIndex(field, indexType, params)
    throw invalid('', { expected: 'valid index', actual: `invalid index type: ${indexType}` })
  }
  if (auto && Object.keys(params).some(key => !isStorageParam(key))) {
    throw invalid('only metric type can be passed when use AutoIndex')
  }
  if (!type.dataTypes.includes(field.dataType)) {
    throw invalid(`data type ${dataTypeName(field.dataType)} can't build with this index ${indexType}`)
  }
  const metric = checkMetric(schema, field, type, metricType)
  for (const [key, rule] of Object.entries(type.params)) {
    const text = params[key]
    if (text !== undefined) checkParam(key, text, rule)
  }
  checkSubquantizers(field, indexType, params)
  checkRefinement(indexType, params)
  return metric
}

function checkMetric(
  schema: CollectionSchema,
  field: FieldSchema,
  type: VectorIndexType,
  given: string,
): MetricType {
  if (structSubField(schema, field.name) !== null) return checkListMetric(field, type, given)
  const bm25 = schema.functions.some(f => f.type === BM25_FUNCTION && f.outputFieldNames.includes(field.name))
  if (given === '') {
    if (bm25) return 'BM25'
    const usual = defaultMetric(field.dataType)
    return type.metrics.includes(usual) ? usual : type.metrics[0]!
  }
  if (field.dataType === DataType.SparseFloatVector) {
    if (given !== 'IP' && given !== 'BM25') {
      throw badMetric('only IP&BM25 is the supported metric type for sparse index')
    }
    if (given === 'BM25' && !bm25) {
      throw badMetric('only BM25 Function output field support BM25 metric type')
    }
    if (bm25 && given !== 'BM25') {
      throw badMetric(`index metric type of BM25 function output field must be BM25, got ${given}`)
    }
    return given
  }
  const found = type.metrics.find(metric => metric === given)
  if (found !== undefined) return found
  const kind =
    field.dataType === DataType.BinaryVector
      ? 'binary'
      : field.dataType === DataType.Int8Vector
        ? 'int'
        : 'float'
  throw badMetric(
    `${kind} vector index does not support metric type: ${given}, metric type ${given} not found or not supported, ` +
      `supported: [${type.metrics.join(' ')}]`,
  )
}

/** Lists of vectors are compared by MAX_SIM metrics; their own metric must suit vectors and index type. */
function checkListMetric(field: FieldSchema, type: VectorIndexType, given: string): MetricType {
  const usual = listMetric(`MAX_SIM_${defaultMetric(field.dataType)}`)
  const metric = given === '' ? usual : listMetric(given)
  if (metric !== undefined && type.metrics.includes(vectorMetric(metric))) return metric
  throw badMetric(
    `metric type ${given} not found or not supported on vectors of a struct array, supported: MAX_SIM, MAX_SIM_*`,
  )
}

function badMetric(detail: string): MilvusError {
  return invalid(detail, { expected: 'valid index params', actual: 'invalid index params' })
}
