/** REST requests for every endpoint: bodies of the right shape with words that mostly fit, then spoiled. */
import { accessRoutes } from '../../../lib/wire/rest/access-routes.js'
import { collectionRoutes } from '../../../lib/wire/rest/collection-routes.js'
import { entityRoutes } from '../../../lib/wire/rest/entity-routes.js'
import { indexRoutes } from '../../../lib/wire/rest/index-routes.js'
import { nameRoutes } from '../../../lib/wire/rest/name-routes.js'
import type { Route } from '../../../lib/wire/rest/route.js'
import type { Rng } from '../../support/rng.js'
import { randomBytes, spoilText } from './mutate.js'
import { DESTRUCTIVE, DIM, hostile, kindOf, NUMBERS, paramsOf, SCHEMA, word } from './vocabulary.js'

/** One HTTP/1.1 request. */
export interface RestCase {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** HTTP statuses that are an answer to this. */
  readonly statuses: readonly number[]
}

/** Paths and shapes are all that is used of the endpoints; nothing is run. */
const ROUTES: readonly Route[] = [
  ...collectionRoutes,
  ...indexRoutes,
  ...nameRoutes,
  ...accessRoutes,
  ...entityRoutes({} as Parameters<typeof entityRoutes>[0]),
]
const ROWS = ROUTES.filter(({ path }) => path.startsWith('entities/') || path === 'collections/create')
const SLOW = ROUTES.filter(({ path }) => /users\/(create|update)|flush|compact/.test(path))
const QUICK = ROUTES.filter(route => !SLOW.includes(route))

function value(random: Rng, depth = 0): unknown {
  switch (random.int(depth > 3 ? 5 : 8)) {
    case 0:
      return random.pick(NUMBERS)
    case 1:
      return word(random, 'value')
    case 2:
      return random.pick([null, true, false])
    case 3:
      return hostile(random)
    case 4:
      return random.int(10)
    case 5:
      return Array.from({ length: random.int(4) }, () => value(random, depth + 1))
    case 6:
      return random.vector(DIM)
    default:
      return Object.fromEntries(
        [word(random, 'key'), word(random, 'key'), hostile(random)].map(key => [
          key,
          value(random, depth + 1),
        ]),
      )
  }
}

function vector(random: Rng, type: number): unknown {
  if (type === 104)
    return random.chance()
      ? { 3: 0.5, [random.int(100)]: 1 }
      : { indices: [1, 5], values: [0.5, random.gauss()] }
  if (type === 100)
    return random.chance() ? Buffer.from([random.int(256)]).toString('base64') : [random.int(256)]
  if (type === 105) return Array.from({ length: DIM }, () => random.int(256) - 128)
  return random.vector(DIM)
}

function cell(random: Rng, type: number): unknown {
  if (random.chance(0.04)) return value(random)
  if (type >= 100) return vector(random, type)
  if (type === 1) return random.chance()
  if (type === 21) return random.letters(4)
  if (type === 22) return Array.from({ length: random.int(3) }, () => random.letters(2))
  if (type === 23) return value(random, 2)
  return random.int(100)
}

function row(random: Rng): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const { name, type } of SCHEMA) if (random.chance(0.985)) out[name] = cell(random, type)
  if (random.chance(0.3)) out[random.chance() ? 'more' : hostile(random)] = value(random)
  return out
}

const vectorField = (random: Rng) => random.pick(SCHEMA.filter(({ type }) => type >= 100))

function search(random: Rng): Record<string, unknown> {
  const { name, type } = vectorField(random)
  return {
    annsField: name,
    data: Array.from({ length: random.between(1, 2) }, () =>
      random.chance(0.05) ? value(random) : vector(random, type),
    ),
    limit: random.chance(0.9) ? random.pick([1, 5, 100]) : value(random),
    ...(random.chance(0.3)
      ? { searchParams: { [word(random, 'key')]: value(random), params: value(random) } }
      : {}),
    ...(random.chance(0.4)
      ? { filter: word(random, 'filter'), exprParams: { ids: value(random), t: value(random) } }
      : {}),
  }
}

function declared(random: Rng): Record<string, unknown> {
  const fields = SCHEMA.filter(({ type }) => type < 100 || type === 101).map(({ name, type, rest }) => ({
    fieldName: random.chance(0.03) ? hostile(random) : name,
    dataType: random.chance(0.05) ? value(random) : rest,
    isPrimary: name === 'id',
    ...(type === 22 ? { elementDataType: 'VarChar' } : {}),
    elementTypeParams: random.chance(0.1) ? value(random) : paramsOf(type),
    ...(random.chance(0.1) ? { nullable: true, defaultValue: value(random) } : {}),
  }))
  return {
    fields,
    enableDynamicField: random.chance(),
    ...(random.chance(0.1) ? { functions: [value(random)] } : {}),
  }
}

/** A body that fits the endpoint's shape, mostly. */
function body(random: Rng, route: Route): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  const optional = route.path.startsWith('entities/') ? 0.06 : 0.3
  for (const [key, declaredType] of Object.entries(route.body)) {
    if (!declaredType.endsWith('!') && !random.chance(optional)) continue
    const type = random.chance(0.03) ? 'any' : declaredType.replace('!', '')
    if (type === 'string') out[key] = word(random, kindOf(key))
    else if (type === 'strings') out[key] = [word(random, kindOf(key)), word(random, kindOf(key))]
    else if (type === 'boolean') out[key] = random.chance()
    else if (type === 'object')
      out[key] = { [word(random, 'key')]: value(random), [word(random, 'key')]: word(random, 'value') }
    else if (type === 'objects')
      out[key] = [
        {
          fieldName: word(random, 'field'),
          indexType: word(random, 'value'),
          metricType: word(random, 'value'),
          params: value(random),
          op: value(random),
        },
      ]
    else if (type === 'list') out[key] = [value(random)]
    else out[key] = value(random)
  }
  if (DESTRUCTIVE.test(route.path)) out['collectionName'] = 'shelf'
  else if ('collectionName' in out && random.chance(0.8)) out['collectionName'] = 'books'
  if (random.chance(0.9)) {
    delete out['dbName']
    delete out['partitionName']
    delete out['partitionNames']
  }
  if (random.chance(0.1)) return out
  if (/insert|upsert/.test(route.path))
    out['data'] = Array.from({ length: random.between(1, 3) }, () => row(random))
  else if (route.path === 'entities/search') Object.assign(out, search(random))
  else if (route.path.endsWith('_search')) {
    Object.assign(out, {
      search: [search(random), search(random)],
      rerank: {
        strategy: random.pick(['rrf', 'weighted', 'x']),
        params: random.chance() ? { k: 60, weights: [0.5, 0.5] } : value(random),
      },
    })
  } else if (route.path === 'entities/get')
    out['id'] = random.chance(0.7) ? [1, 2, random.int(50)] : value(random)
  else if (route.path === 'collections/create' && random.chance()) {
    out['collectionName'] = word(random, 'collection')
    out['schema'] = declared(random)
    if (random.chance()) delete out['indexParams']
  }
  return out
}

/** JSON that stringify does not write. */
function oddJson(random: Rng, given: Record<string, unknown>): Buffer {
  const text = JSON.stringify(given)
  const put = (raw: string): string => text.replace(/\{/, `{"id":${raw},"limit":${raw},"data":[${raw}],`)
  switch (random.int(9)) {
    case 0:
      return Buffer.from(put(`${'['.repeat(random.pick([10, 199, 201, 5_000]))}1`))
    case 1: {
      const levels = random.pick([10, 150, 198, 250, 20_000])
      return Buffer.from(put(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`))
    }
    case 2:
      return Buffer.from(
        put(
          random.pick([
            '1e400',
            '-1e400',
            '99999999999999999999999',
            '9223372036854775808',
            '1e-400',
            '-0',
            '1e308',
            '9007199254740993',
            '0.1e1',
          ]),
        ),
      )
    case 3:
      return Buffer.from(put(`"\\ud800\\u0000"`))
    case 4:
      return Buffer.concat([
        Buffer.from(text.slice(0, -2)),
        Buffer.from([0xff, 0xfe, 0xc0]),
        Buffer.from(text.slice(-2)),
      ])
    case 5:
      return Buffer.from(put('{"__proto__":{"a":1},"constructor":{"prototype":1},"a":1,"a":2}'))
    case 6:
      return Buffer.from(
        random.pick([
          '',
          ' ',
          'null',
          '[]',
          '1',
          '"x"',
          '{}',
          '{"collectionName":',
          'NaN',
          "{'a':1}",
          '\ufeff{}',
          '{"a":01}',
        ]),
      )
    case 7:
      return Buffer.from(
        put(random.pick(['NaN', 'Infinity', '0x10', '+1', '.5', '1.', 'undefined', "'x'", '/*x*/1'])),
      )
    default:
      return Buffer.from(put(`"${'x'.repeat(random.pick([100, 70_000]))}"`))
  }
}

function oddHeaders(random: Rng): Record<string, string> {
  return random.pick([
    { 'request-timeout': random.pick(['x', '-1', '1.5', '99999999999999999999', '0', '4294967296']) },
    { 'accept-type-allow-int64': random.pick(['false', 'true', 'x', '']) },
    {
      'content-type': random.pick([
        'text/plain',
        'application/xml',
        '',
        'application/json; charset=utf-16',
        ';',
      ]),
    },
    { 'content-encoding': random.pick(['gzip', 'br', 'x']) },
    { 'db-name': random.pick(['other', '..', 'x'.repeat(3_000)]) },
    { authorization: random.pick(['', 'Bearer', 'Basic !!', 'x'.repeat(2_000)]) },
    { expect: '200-ok' },
    { 'x-long': 'y'.repeat(random.pick([10_000, 20_000])) },
  ])
}

const OTHER_PATHS = [
  '/',
  '/v2/vectordb',
  '/v2/vectordb/',
  '/v2/vectordb/entities/explode',
  '/v1/vector/query',
  '/%',
  '/%00',
  '/v2/vectordb/%E0%A4%A',
  '/healthz/../metrics',
  '//',
  '/v2/vectordb/entities/query?x=%',
  `/${'a'.repeat(8_000)}`,
  '/metrics',
  '/healthz',
  '/status',
  '/__proto__',
] as const
const VERBS = ['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'PURGE', 'POST'] as const

export function restCase(random: Rng): RestCase {
  const route = random.pick(random.chance(0.015) ? SLOW : random.chance(0.55) ? ROWS : QUICK)
  const given = body(random, route)
  const base = {
    method: 'POST',
    path: `/v2/vectordb/${route.path}`,
    headers: { 'content-type': 'application/json' },
    statuses: [200],
  }
  const bytes = Buffer.from(JSON.stringify(given))
  const kind = random.next()
  if (kind < 0.6) return { ...base, body: bytes }
  if (kind < 0.75) return { ...base, body: spoilText(random, bytes) }
  if (kind < 0.88) return { ...base, body: oddJson(random, given) }
  if (kind < 0.95) {
    // 408: a time-out was asked for; 417, 431: Node's own answers to a strange Expect and to headers beyond 16 KiB.
    return {
      ...base,
      headers: { ...base.headers, ...oddHeaders(random) },
      body: bytes,
      statuses: [200, 408, 417, 431],
    }
  }
  const path = random.chance(0.7)
    ? random.pick(OTHER_PATHS)
    : `/v2/vectordb/${randomBytes(random, 6).toString('hex')}`
  return { ...base, method: random.pick(VERBS), path, body: bytes, statuses: [200, 204, 404] }
}
