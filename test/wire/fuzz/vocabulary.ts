/**
 * Words that requests are made of: mostly right ones, so that a request gets far, and hostile ones in between.
 *
 * `books` is the collection every round starts with; SCHEMA says what is in it.
 */
import type { Rng } from '../../support/rng.js'

/** Fields of `books`: name, Milvus type number, and the REST name of the type. */
export const SCHEMA = [
  { name: 'id', type: 5, rest: 'Int64' },
  { name: 'vector', type: 101, rest: 'FloatVector' },
  { name: 'bits', type: 100, rest: 'BinaryVector' },
  { name: 'half', type: 102, rest: 'Float16Vector' },
  { name: 'terms', type: 104, rest: 'SparseFloatVector' },
  { name: 'tiny', type: 105, rest: 'Int8Vector' },
  { name: 'title', type: 21, rest: 'VarChar' },
  { name: 'pages', type: 4, rest: 'Int32' },
  { name: 'price', type: 11, rest: 'Double' },
  { name: 'sold', type: 1, rest: 'Bool' },
  { name: 'doc', type: 23, rest: 'JSON' },
  { name: 'tags', type: 22, rest: 'Array' },
] as const

export const DIM = 8

/** Parameters a type takes, as REST writes them. */
export function paramsOf(type: number): Record<string, unknown> {
  if (type >= 100) return type === 104 ? {} : { dim: DIM }
  if (type === 22) return { max_length: 64, max_capacity: 8 }
  return type === 21 ? { max_length: 64 } : {}
}

const HOSTILE = [
  '',
  ' ',
  '.',
  '..',
  '../../etc/passwd',
  '/',
  '\\',
  'a'.repeat(300),
  '1abc',
  '$meta',
  '_',
  '*',
  '%',
  '%s%n',
  "'",
  '"',
  '`; drop',
  '\u0000',
  'a\u0000b',
  '\u202e',
  '\ud800',
  'ﷺ'.repeat(50),
  '名字',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '-1',
  '0',
  'null',
  'undefined',
  'NaN',
  'true',
  '{}',
  '[]',
  '\r\nx: y',
  '🙂',
] as const

export const NUMBERS = [
  0,
  1,
  2,
  8,
  100,
  16384,
  16385,
  -1,
  -128,
  255,
  65536,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  Number.MAX_VALUE,
  5e-324,
  0.5,
  -0,
] as const

export const FILTERS = [
  '',
  'id > 0',
  'id in [1, 2, 3]',
  'title like "a%"',
  'doc["a"] > 1',
  'json_contains(doc["l"], 1)',
  'array_contains(tags, "x")',
  'pages % 2 == 0',
  'not (sold == true) and price <= 1e3',
  'id in {ids}',
  'title == {t}',
  'id == 9223372036854775808',
  'exists doc["a"]["b"]',
  'text_match(title, "a")',
  `${'('.repeat(500)}id > 0${')'.repeat(500)}`,
  'id >',
  '"',
  'id == 0x',
  `id in [${'1,'.repeat(2_000)}1]`,
  'array_length(tags) == 1',
  'doc is null',
  'more["x"] == "y"',
  '1 < id < 5',
  'random_sample(0.5)',
  `${'not '.repeat(300)}sold`,
  'id == 1 || '.repeat(300),
  'ST_WITHIN(g, "POINT(0 0)")',
  'pages / 0 == 1',
  'id ** 2 > 1',
  '\u0000',
] as const

export const hostile = (random: Rng): string => random.pick(HOSTILE)

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  database: ['', '', '', 'default', 'default', 'other'],
  collection: ['books', 'books', 'books', 'books', 'shelf', 'second', 'nobody'],
  partition: ['', '_default', 'p1', 'p2'],
  field: SCHEMA.map(({ name }) => name),
  filter: FILTERS,
  index: ['vector', 'terms', 'bits', 'title', ''],
  output: [
    '*',
    'id',
    'vector',
    'terms',
    'doc',
    'tags',
    'count(*)',
    'more',
    'max(pages)',
    'doc["a"]',
    '$meta',
  ],
  user: ['root', 'ann', 'bob'],
  role: ['admin', 'public', 'reader'],
  password: ['Milvus', 'secret-1', 'x'],
  key: [
    'topk',
    'limit',
    'offset',
    'anns_field',
    'metric_type',
    'index_type',
    'params',
    'round_decimal',
    'group_by_field',
    'group_size',
    'strict_group_size',
    'iterator',
    'search_iter_v2',
    'search_iter_batch_size',
    'search_iter_id',
    'search_iter_last_bound',
    'radius',
    'range_filter',
    'nprobe',
    'ef',
    'hints',
    'strategy',
    'dim',
    'max_length',
    'max_capacity',
    'M',
    'efConstruction',
    'mmap.enabled',
    'collection.ttl.seconds',
    'ignore_growing',
    'timezone',
    'order_by_fields',
    'group_by_fields',
    'json_path',
    'json_cast_type',
    'norm_score',
    'weights',
    'k',
    'analyzer_params',
    'enable_analyzer',
    'partitionkey.isolation',
    'time_fields',
  ],
  value: [
    'L2',
    'COSINE',
    'IP',
    'HAMMING',
    'HNSW',
    'FLAT',
    'AUTOINDEX',
    'IVF_FLAT',
    'INVERTED',
    'STL_SORT',
    'SPARSE_INVERTED_INDEX',
    'TRIE',
    'BITMAP',
    '8',
    '10',
    '3',
    '-1',
    '0',
    '1.5',
    '1e400',
    '99999999999999999999',
    'true',
    'True',
    '{"ef":10}',
    '{"M":8}',
    '{',
    '[]',
    '[0.5]',
    'vector',
    'terms',
    'pages',
    'rrf',
    'weighted',
    '{"k":60}',
    '{"weights":[0.5,0.5]}',
    '{"radius":1e308}',
    'UTC',
    'Mars/North',
    'id:desc',
    '00000000-0000-4000-8000-000000000000',
    'year',
    '[{"field":"id"}]',
  ],
  privilege: ['Search', 'Insert', 'CollectionReadOnly', 'All', '*', 'Nothing'],
  object: ['Collection', 'Global', 'User', '*'],
  type: SCHEMA.map(({ rest }) => rest),
}

/** A word of a kind; one in eight is hostile or of another kind. */
export function word(random: Rng, kind: string): string {
  if (random.chance(0.08)) return hostile(random)
  if (random.chance(0.04)) return random.pick(KNOWN[random.pick(Object.keys(KNOWN))]!)
  return random.pick(KNOWN[kind] ?? KNOWN['value']!)
}

/** Methods and endpoints that take a collection away or change it: they get `shelf`, or `books` would not live long. */
export const DESTRUCTIVE = /drop|release|rename|truncate|alter|field|refresh/i

/** Kind of word by the name of a field, in the protocol's or REST's spelling. */
export function kindOf(name: string): string {
  const key = name.toLowerCase().replaceAll('_', '')
  if (/dbname/.test(key)) return 'database'
  if (/^(collectionnames?|oldname|newname|newcollectionname|alias|aliasname)$/.test(key)) return 'collection'
  if (/partition/.test(key)) return 'partition'
  if (/output|loadfields/.test(key)) return 'output'
  if (/field|input/.test(key)) return 'field'
  if (/expr|filter|dsl/.test(key)) return 'filter'
  if (/index.*name/.test(key)) return 'index'
  if (/user/.test(key)) return 'user'
  if (/role/.test(key)) return 'role'
  if (/password/.test(key)) return 'password'
  if (/object/.test(key)) return 'object'
  if (/privilege|group/.test(key)) return 'privilege'
  if (/type/.test(key)) return 'type'
  if (/^(key|keys|deletekeys|propertykeys)$/.test(key)) return 'key'
  return 'value'
}
