/**
 * gRPC requests for every method: built from the protocol tables with words that mostly fit, then spoiled, or framed
 * wrongly, or sent with strange headers.
 */
import {
  HEALTH_SERVICE,
  METHODS,
  type MethodName,
  MILVUS_SERVICE,
  REFUSED,
} from '../../../lib/wire/descriptors.js'
import { encode, type Field, type Message } from '../../../lib/wire/message.js'
import { CollectionSchema, FieldSchema } from '../../../lib/wire/messages/common.js'
import type { Rng } from '../../support/rng.js'
import { columns, ids, placeholders, template } from './columns.js'
import { randomBytes, spoil } from './mutate.js'
import { DESTRUCTIVE, hostile, kindOf, NUMBERS, paramsOf, SCHEMA, word } from './vocabulary.js'

/** One HTTP/2 request. */
export interface GrpcCase {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Everything after the headers; it need not be a gRPC frame. */
  readonly body: Buffer
  /** 'ends' = the client half-closes after the body; 'resets' = it cancels the stream. */
  readonly ending: 'ends' | 'resets'
  /** Method whose response comes; null when only a gRPC status can come. */
  readonly method: MethodName | null
  /** gRPC codes that are an answer to this. */
  readonly codes: readonly number[]
}

const OK = 0
const INVALID_ARGUMENT = 3
const DEADLINE_EXCEEDED = 4
const NOT_FOUND = 5
const RESOURCE_EXHAUSTED = 8
const UNIMPLEMENTED = 12
const INTERNAL = 13

const NAMES = Object.keys(METHODS) as MethodName[]
/** Methods that carry rows come up more often: most of the code is behind them. */
const ROWS: readonly MethodName[] = [
  'Insert',
  'Upsert',
  'Search',
  'HybridSearch',
  'Query',
  'Delete',
  'CreateCollection',
]
/** Each costs a password hash or a disk sync of all collections, so they come up less often. */
const SLOW: readonly MethodName[] = [
  'CreateCredential',
  'UpdateCredential',
  'FlushAll',
  'Flush',
  'ManualCompaction',
]

type AnyField = Field<unknown, never>

/** A message of a table: each field but the collection's name is there with the given probability. */
export function randomMessage(
  random: Rng,
  table: Message<object>,
  depth = 0,
  present = 0.5,
): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(table.shape as Record<string, AnyField>)) {
    if (name !== 'collection_name' && !random.chance(present)) continue
    const one = (): unknown => randomValue(random, table.name, name, field, depth)
    if (field.label === 'many') out[name] = Array.from({ length: random.pick([0, 1, 1, 2, 3, 20]) }, one)
    else if (field.label === 'map')
      out[name] = new Map([
        ['ids', one()],
        ['t', one()],
        [hostile(random), one()],
      ])
    else out[name] = one()
  }
  return out
}

function randomValue(random: Rng, table: string, name: string, field: AnyField, depth: number): unknown {
  switch (field.kind) {
    case 'text':
      return word(random, kindOf(name))
    case 'bool':
      return random.chance()
    case 'int32':
      return random.chance(0.8) ? random.int(12) : random.int(2 ** 32) | 0
    case 'uint32':
      return random.chance(0.8) ? random.int(5) : random.int(2 ** 32)
    case 'count':
      return random.chance(0.8) ? random.int(500) : random.pick(NUMBERS.filter(Number.isSafeInteger))
    case 'int64':
    case 'uint64':
      return random.chance(0.7) ? BigInt(random.int(3)) : BigInt(Math.trunc(random.gauss() * 2 ** 62))
    case 'float':
    case 'double':
      return random.pick([0, 1, Number.NaN, -Infinity, 5e-324, random.gauss()])
    case 'message':
      return depth > 6 ? {} : randomMessage(random, field.of!, depth + 1)
    default:
      return randomPart(random, table, name)
  }
}

/** Bytes of a part, right in themselves. */
function randomPart(random: Rng, table: string, name: string): Buffer {
  if (name === 'schema')
    return table.startsWith('AddCollection') ? declaredField(random) : declaredCollection(random)
  if (name === 'fields_data') return random.pick(columns(random, 2)) ?? Buffer.alloc(0)
  if (name === 'placeholder_group') return placeholders(random, vectorField(random).type, random.int(3))
  if (name === 'ids') return ids(random)
  if (name === 'expr_template_values') return template(random)
  return randomBytes(random, random.int(20))
}

function declaredField(random: Rng): Buffer {
  return encode(FieldSchema, randomMessage(random, FieldSchema as Message<object>) as object)
}

function declaredCollection(random: Rng): Buffer {
  if (random.chance(0.3)) {
    return encode(CollectionSchema, randomMessage(random, CollectionSchema as Message<object>) as object)
  }
  const given = SCHEMA.filter(({ type }) => type < 100 || type === 101 || random.chance(0.3)).map(
    ({ name, type }) => ({
      name: random.chance(0.03) ? hostile(random) : name,
      data_type: random.chance(0.05) ? random.int(210) : type,
      is_primary_key: name === 'id' || random.chance(0.02),
      autoID: name === 'id' && random.chance(0.2),
      nullable: random.chance(0.1),
      is_partition_key: random.chance(0.03),
      ...(type === 22 ? { element_type: 21 } : {}),
      type_params: Object.entries(paramsOf(type)).map(([key, value]) => ({
        key,
        value: random.chance(0.05) ? word(random, 'value') : String(value),
      })),
    }),
  )
  return encode(CollectionSchema, {
    name: word(random, 'collection'),
    fields: given,
    enable_dynamic_field: random.chance(),
  })
}

const vectorField = (random: Rng) => random.pick(SCHEMA.filter(({ type }) => type >= 100))

/** Members that make a request of a method likely to reach the engine. */
function aimed(random: Rng, name: MethodName): Record<string, unknown> {
  const main = DESTRUCTIVE.test(name) ? 'shelf' : 'books'
  const collection_name = random.chance(0.85)
    ? main
    : random.chance(0.7)
      ? 'shelf'
      : word(random, 'collection')
  const rows = random.between(1, 3)
  const { name: anns, type } = vectorField(random)
  const pairs = (given: Record<string, unknown>) =>
    Object.entries(given).map(([key, value]) => ({
      key,
      value: random.chance(0.08) ? word(random, 'value') : String(value),
    }))
  const search = () => ({
    collection_name,
    dsl: random.chance(0.5) ? '' : word(random, 'filter'),
    dsl_type: 1,
    nq: random.chance(0.9) ? rows : random.int(2 ** 31),
    placeholder_group: placeholders(random, type, rows),
    output_fields: random.chance(0.3) ? [] : [word(random, 'output'), word(random, 'output')],
    expr_template_values: new Map([
      ['ids', template(random)],
      ['t', template(random)],
    ]),
    search_params: [
      ...pairs({ anns_field: anns, topk: random.pick([1, 5, 100]), params: '{}' }),
      ...(random.chance(0.4) ? [{ key: word(random, 'key'), value: word(random, 'value') }] : []),
    ],
  })
  switch (name) {
    case 'Insert':
    case 'Upsert':
      return {
        db_name: '',
        partition_name: '',
        namespace: undefined,
        schema_timestamp: 0n,
        collection_name,
        fields_data: columns(random, rows),
        num_rows: random.chance(0.95) ? rows : random.int(2 ** 32),
      }
    case 'Search':
      return {
        db_name: '',
        namespace: undefined,
        ids: undefined,
        highlighter: undefined,
        search_aggregation: undefined,
        function_chains: [],
        function_score: undefined,
        partition_names: [],
        ...search(),
      }
    case 'HybridSearch':
      return {
        db_name: '',
        namespace: undefined,
        function_chains: [],
        function_score: undefined,
        partition_names: [],
        collection_name,
        requests: [search(), search()],
        rank_params: pairs({
          strategy: random.pick(['rrf', 'weighted']),
          params: random.pick(['{"k":60}', '{"weights":[0.5,0.5]}']),
          limit: 5,
        }),
      }
    case 'Query':
      return {
        db_name: '',
        namespace: undefined,
        partition_names: [],
        collection_name,
        output_fields: [word(random, 'output')],
        query_params: pairs({ limit: random.pick([1, 100]), [word(random, 'key')]: word(random, 'value') }),
      }
    case 'CreateCollection':
      return {
        collection_name: word(random, 'collection'),
        schema: declaredCollection(random),
        db_name: '',
        shards_num: 1,
      }
    case 'Delete':
      return {
        collection_name,
        namespace: undefined,
        db_name: '',
        partition_name: '',
        expr: word(random, 'filter'),
      }
    default:
      return { collection_name }
  }
}

function request(random: Rng, name: MethodName): Buffer {
  const table = METHODS[name].request as Message<object>
  const other = randomMessage(random, table, 0, ROWS.includes(name) ? 0.1 : 0.5)
  const value = random.chance(0.85) || DESTRUCTIVE.test(name) ? { ...other, ...aimed(random, name) } : other
  if (name === 'RenameCollection') value['oldName'] = 'shelf'
  return encode(table, Object.fromEntries(Object.entries(value).filter(([key]) => key in table.shape)))
}

function frame(message: Uint8Array, length = message.length, flag = 0): Buffer {
  const head = Buffer.alloc(5)
  head[0] = flag
  head.writeUInt32BE(length >>> 0, 1)
  return Buffer.concat([head, message])
}

const HEADERS = { 'content-type': 'application/grpc', te: 'trailers' } as const

/** A frame that is none, or ends early. */
function badFrame(random: Rng, message: Buffer): Buffer {
  switch (random.int(6)) {
    case 0:
      return frame(message, message.length, random.pick([1, 2, 255]))
    case 1:
      return frame(
        message,
        message.length + random.pick([1, 5, 2 ** 20, 2 ** 30, 2 ** 32 - 1 - message.length]),
      )
    case 2:
      return frame(message, Math.max(0, message.length - random.between(1, 5)))
    case 3:
      return Buffer.concat([frame(message), frame(message)])
    case 4:
      return Buffer.alloc(0)
    default:
      return frame(message).subarray(0, random.int(5))
  }
}

/** Headers that are legal HTTP/2 and nothing a client would send. */
function oddHeaders(random: Rng): Record<string, string> {
  switch (random.int(7)) {
    case 0:
      return { 'grpc-timeout': random.pick(['1n', '1m', '0S', '99999999H', '-1S', 'x', '123456789m', '']) }
    case 1:
      return { 'grpc-encoding': random.pick(['gzip', 'deflate', 'snappy', 'identity', '']) }
    case 2:
      return {
        'content-type': random.pick([
          'application/grpc+json',
          'application/grpc-web',
          'application/grpc+proto',
        ]),
      }
    case 3:
      return { dbname: random.pick(['other', '..', 'default', 'x'.repeat(5_000), '*']) }
    case 4:
      return { authorization: random.pick(['', 'x', 'Basic cm9vdA==', '='.repeat(500)]) }
    case 5:
      return {
        'trace-bin': random.pick(['!!!', '====', 'AAAA']),
        identifier: random.pick(['-1', 'x', '9'.repeat(50)]),
      }
    default:
      return { 'x-long': 'y'.repeat(random.pick([1_000, 10_000])) }
  }
}

const OTHER_PATHS = [
  '/',
  '/x',
  '/grpc.health.v1.Health/List',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  `/${MILVUS_SERVICE}/`,
  `/${MILVUS_SERVICE}/__proto__`,
  `/${MILVUS_SERVICE}/constructor`,
  `/${'a'.repeat(2_000)}/b`,
  '/milvus.proto.milvus.ClientTelemetryService/ClientHeartbeat',
] as const

export function grpcCase(random: Rng): GrpcCase {
  const slow = random.chance(0.02)
  const name = random.pick(slow ? SLOW : random.chance(0.6) ? ROWS : NAMES.filter(one => !SLOW.includes(one)))
  const valid = request(random, name)
  const base = { path: `/${MILVUS_SERVICE}/${name}`, headers: HEADERS, ending: 'ends', method: name } as const
  const kind = random.next()
  if (kind < 0.45) return { ...base, body: frame(valid), codes: [OK] }
  if (kind < 0.8) return { ...base, body: frame(spoil(random, valid)), codes: [OK, INVALID_ARGUMENT] }
  const transport = [OK, INVALID_ARGUMENT, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL]
  if (kind < 0.86) return { ...base, body: badFrame(random, valid), codes: transport }
  if (kind < 0.92)
    return { ...base, headers: { ...HEADERS, ...oddHeaders(random) }, body: frame(valid), codes: transport }
  if (kind < 0.95)
    return {
      ...base,
      body: frame(valid).subarray(0, random.int(valid.length + 5)),
      ending: 'resets',
      codes: transport,
    }
  const message = spoil(random, valid)
  if (kind < 0.975) {
    return {
      ...base,
      path: `/${HEALTH_SERVICE}/Check`,
      body: frame(message),
      method: null,
      codes: [OK, NOT_FOUND, INVALID_ARGUMENT],
    }
  }
  const path = random.chance()
    ? `/${MILVUS_SERVICE}/${random.pick(Object.keys(REFUSED))}`
    : random.pick(OTHER_PATHS)
  return { ...base, path, body: frame(message), method: null, codes: [UNIMPLEMENTED] }
}
