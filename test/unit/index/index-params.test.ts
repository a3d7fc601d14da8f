import t from 'tap'
import { checkIndex, hnswParamsOf, type IndexRequest, servedBy } from '../../../lib/index/index-params.js'
import type { IndexSpec } from '../../../lib/index/index-spec.js'
import type { CollectionSchema, FieldSchema } from '../../../lib/schema/collection-schema.js'
import { DataType, dataTypeName } from '../../../lib/schema/data-type.js'
import { fieldOf } from './fixtures-vectors.js'

const FIELDS: FieldSchema[] = [
  fieldOf(DataType.Int64, 0, { name: 'id', primaryKey: true }),
  fieldOf(DataType.FloatVector, 12, { name: 'f32' }),
  fieldOf(DataType.Float16Vector, 12, { name: 'f16' }),
  fieldOf(DataType.BFloat16Vector, 12, { name: 'bf16' }),
  fieldOf(DataType.Int8Vector, 12, { name: 'i8' }),
  fieldOf(DataType.BinaryVector, 16, { name: 'bits' }),
  fieldOf(DataType.SparseFloatVector, 0, { name: 'sparse' }),
  fieldOf(DataType.SparseFloatVector, 0, { name: 'bm25', functionOutput: true }),
  fieldOf(DataType.Bool, 0, { name: 'bool' }),
  fieldOf(DataType.Int32, 0, { name: 'int' }),
  fieldOf(DataType.Double, 0, { name: 'double' }),
  fieldOf(DataType.VarChar, 0, { name: 'text' }),
  fieldOf(DataType.Array, 0, { name: 'ints', elementType: DataType.Int32 }),
  fieldOf(DataType.Array, 0, { name: 'doubles', elementType: DataType.Double }),
  fieldOf(DataType.Geometry, 0, { name: 'place' }),
  fieldOf(DataType.Timestamptz, 0, { name: 'when' }),
  fieldOf(DataType.JSON, 0, { name: 'json' }),
  fieldOf(DataType.JSON, 0, { name: '$meta', dynamic: true }),
]
const schema: CollectionSchema = {
  name: 'c',
  description: '',
  fields: FIELDS.map((field, i) => ({ ...field, id: 100 + i })),
  functions: [
    {
      id: 1,
      name: 'f',
      description: '',
      type: 1,
      inputFieldNames: ['text'],
      outputFieldNames: ['bm25'],
      params: {},
    },
  ],
  pkIndex: 0,
  dynamicIndex: FIELDS.length - 1,
  partitionKeyIndex: -1,
  maxFieldId: 200,
  version: 1,
}
const noDynamic: CollectionSchema = { ...schema, fields: schema.fields.slice(0, -1), dynamicIndex: -1 }

function made(request: IndexRequest, existing: IndexSpec[] = []): IndexSpec {
  return checkIndex(schema, request, existing, 77).spec
}

function refusal(request: IndexRequest, existing: IndexSpec[] = [], where = schema): string {
  try {
    checkIndex(where, request, existing, 77)
  } catch (error) {
    return (error as Error).message
  }
  return 'accepted'
}

const fieldNamed = (name: string): FieldSchema => schema.fields.find(field => field.name === name)!

t.test('every pairing of vector field and index type is accepted or refused as the table says', async t => {
  const FLOAT_TYPES =
    'FLAT IVF_FLAT IVF_SQ8 IVF_PQ IVF_RABITQ SCANN HNSW HNSW_SQ HNSW_PQ HNSW_PRQ DISKANN AISAQ AUTOINDEX'.split(
      ' ',
    )
  const accepted: Record<string, string[]> = {
    f32: FLOAT_TYPES,
    f16: FLOAT_TYPES,
    bf16: FLOAT_TYPES,
    i8: ['HNSW', 'HNSW_SQ', 'HNSW_PQ', 'HNSW_PRQ', 'AUTOINDEX'],
    bits: ['BIN_FLAT', 'BIN_IVF_FLAT', 'MINHASH_LSH', 'AUTOINDEX'],
    sparse: ['SPARSE_INVERTED_INDEX', 'SPARSE_WAND', 'AUTOINDEX'],
    bm25: ['SPARSE_INVERTED_INDEX', 'SPARSE_WAND', 'AUTOINDEX'],
    int: ['AUTOINDEX'],
  }
  const every = [...new Set(Object.values(accepted).flat())]
  for (const [fieldName, types] of Object.entries(accepted)) {
    for (const indexType of every) {
      const outcome = refusal({ fieldName, indexType })
      if (types.includes(indexType)) t.equal(outcome, 'accepted', `${indexType} on ${fieldName}`)
      else {
        const typeName = dataTypeName(fieldNamed(fieldName).dataType)
        t.equal(outcome, `data type ${typeName} can't build with this index ${indexType}: invalid parameter`)
      }
    }
  }
})

t.test('every pairing of scalar field and index type is accepted or refused as the table says', async t => {
  const accepted: Record<string, string[]> = {
    INVERTED: ['id', 'bool', 'int', 'double', 'text', 'ints', 'doubles', 'json'],
    BITMAP: ['bool', 'int', 'text', 'ints'],
    STL_SORT: ['id', 'int', 'double', 'text', 'when'],
    Trie: ['text'],
    NGRAM: ['text', 'json'],
    RTREE: ['place'],
    AUTOINDEX: ['id', 'bool', 'int', 'double', 'text', 'ints', 'doubles', 'place', 'when', 'json'],
  }
  const refusals: Record<string, string> = {
    INVERTED: 'INVERTED are not supported on',
    BITMAP: 'bitmap index',
    STL_SORT: 'STL_SORT are only supported on numeric, varchar or timestamptz field',
    Trie: 'TRIE are only supported on varchar field',
    NGRAM: 'Ngram index can only be created on VARCHAR or JSON field',
    RTREE: 'RTREE index can only be built on geometry field',
  }
  const scalars = ['id', 'bool', 'int', 'double', 'text', 'ints', 'doubles', 'place', 'when', 'json']
  for (const [indexType, names] of Object.entries(accepted)) {
    for (const fieldName of indexType === 'AUTOINDEX' ? scalars : [...scalars, 'f32']) {
      const params = {
        nlist: 5,
        ...(indexType === 'NGRAM' ? { min_gram: 2, max_gram: '3' } : {}),
        ...(fieldName === 'json' ? { json_cast_type: 'varchar' } : {}),
      }
      const outcome = refusal({ fieldName, indexType, params })
      if (names.includes(fieldName)) t.equal(outcome, 'accepted', `${indexType} on ${fieldName}`)
      else t.match(outcome, refusals[indexType]!, `${indexType} on ${fieldName}`)
    }
  }
  t.match(
    refusal({ fieldName: 'id', indexType: 'BITMAP' }),
    'create bitmap index on primary key not supported',
  )
  t.match(
    refusal({ fieldName: 'place', indexType: 'INVERTED' }),
    'INVERTED are not supported on Geometry field',
  )
})

t.test('unknown types and fields are refused by name', async t => {
  for (const indexType of ['HNSWX', 'GPU_CAGRA', 'HYBRID']) {
    for (const fieldName of ['f32', 'int']) {
      t.match(
        refusal({ fieldName, indexType }),
        `invalid parameter[expected=valid index][actual=invalid index type: ${indexType}]`,
      )
    }
  }
  t.match(refusal({ fieldName: 'nope' }, [], noDynamic), 'cannot create index on non-exist field: nope')
})

t.test('a metric is the default, or one the field and type know', async t => {
  const defaults: [string, string, string][] = [
    ['f32', '', 'COSINE'],
    ['i8', '', 'COSINE'],
    ['bits', '', 'HAMMING'],
    ['bits', 'MINHASH_LSH', 'MHJACCARD'],
    ['sparse', '', 'IP'],
    ['bm25', '', 'BM25'],
    ['int', '', ''],
  ]
  for (const [fieldName, indexType, metric] of defaults)
    t.equal(made({ fieldName, indexType }).metricType, metric)
  t.equal(made({ fieldName: 'f32', metricType: 'l2' }).metricType, 'L2', 'in any case')
  t.equal(
    made({ fieldName: 'bits', indexType: 'BIN_FLAT', metricType: 'SUBSTRUCTURE' }).metricType,
    'SUBSTRUCTURE',
  )
  const refused: [string, string, string, string][] = [
    ['f32', 'HNSW', 'HAMMING', 'float vector index does not support metric type: HAMMING'],
    ['f32', 'HNSW', 'XX', 'metric type XX not found or not supported, supported: [L2 IP COSINE]'],
    ['f32', 'AUTOINDEX', 'XX', '[expected=valid index params][actual=invalid index params]'],
    ['i8', 'HNSW', 'BM25', 'int vector index does not support metric type: BM25'],
    ['bits', 'BIN_IVF_FLAT', 'L2', 'binary vector index does not support metric type: L2'],
    ['bits', 'BIN_IVF_FLAT', 'SUBSTRUCTURE', 'supported: [HAMMING JACCARD]'],
    ['sparse', 'SPARSE_WAND', 'L2', 'only IP&BM25 is the supported metric type for sparse index'],
    ['sparse', 'SPARSE_WAND', 'BM25', 'only BM25 Function output field support BM25 metric type'],
    ['bm25', 'SPARSE_WAND', 'IP', 'index metric type of BM25 function output field must be BM25, got IP'],
  ]
  for (const [fieldName, indexType, metricType, message] of refused) {
    t.match(refusal({ fieldName, indexType, metricType }), message)
  }
})

t.test('build parameters have bounds and types', async t => {
  const cases: [string, string, Record<string, unknown>, string][] = [
    ['f32', 'HNSW', { M: 2, efConstruction: 1 }, 'accepted'],
    ['f32', 'HNSW', { M: '2048', efConstruction: '2147483647' }, 'accepted'],
    ['f32', 'HNSW', { M: null, unknown: 'x' }, 'accepted'],
    ['f32', 'HNSW', { M: -1 }, "Out of range in json: param 'M' (-1) should be in range [2, 2048]"],
    ['f32', 'HNSW', { M: 2049 }, "param 'M' (2049) should be in range [2, 2048]"],
    ['f32', 'HNSW', { M: 'True' }, "invalid integer value, key: 'M', value: 'True': invalid parameter"],
    ['f32', 'HNSW', { M: true }, "invalid integer value, key: 'M', value: 'true': invalid parameter"],
    ['f32', 'HNSW', { M: [16] }, "invalid integer value, key: 'M', value: '[16]'"],
    ['f32', 'HNSW', { M: '16.0' }, "wrong data type in json, key: 'M', value: '16.0'"],
    ['f32', 'HNSW', { efConstruction: 0 }, "param 'efConstruction' (0) should be in range [1, 2147483647]"],
    ['f32', 'HNSW_SQ', { sq_type: 'sQ8', refine: 'true', refine_type: 'FP32' }, 'accepted'],
    ['f32', 'HNSW_SQ', { sq_type: 'SQ7' }, 'invalid scalar quantizer type'],
    ['f32', 'HNSW_SQ', { sq_type: 'SQ8', refine: true, refine_type: 'SQ6' }, 'invalid refine type : SQ6'],
    ['f32', 'HNSW_SQ', { sq_type: 'fp16', refine: 'True', refine_type: 'sq8' }, 'invalid refine type : sq8'],
    ['f32', 'HNSW_SQ', { sq_type: 'FP16', refine: true, refine_type: 'BF16' }, 'accepted'],
    ['f32', 'HNSW_SQ', { sq_type: 'SQ8', refine: false, refine_type: 'SQ6' }, 'accepted'],
    ['f32', 'HNSW_SQ', { refine: 'yes' }, "param 'refine' (yes) should be a boolean"],
    [
      'f32',
      'HNSW_SQ',
      { refine_type: 'x' },
      'invalid refine type : x, optional types are [sq4u, sq6, sq8, fp16, bf16, fp32, flat]',
    ],
    ['f32', 'HNSW_PQ', { m: 4, nbits: 8 }, 'accepted'],
    ['f32', 'HNSW_PQ', { nbits: '8.0' }, "wrong data type in json, key: 'nbits', value: '8.0'"],
    ['f32', 'HNSW_PQ', { nbits: 25 }, "param 'nbits' (25) should be in range [1, 24]"],
    [
      'f32',
      'HNSW_PQ',
      { m: 5 },
      'The dimension of the vector (dim) should be a multiple of the number of subquantizers (m).',
    ],
    [
      'f32',
      'HNSW_PRQ',
      { m: 5, nrq: 2 },
      'The dimension of a vector (dim) should be a multiple of the number of subquantizers (m).',
    ],
    ['f32', 'HNSW_PRQ', { nrq: 17 }, "param 'nrq' (17) should be in range [1, 16]"],
    ['f32', 'IVF_FLAT', { nlist: 65_536 }, 'accepted'],
    ['f32', 'IVF_FLAT', { nlist: 0 }, "param 'nlist' (0) should be in range [1, 65536]"],
    ['f32', 'IVF_RABITQ', { refine_k: 0.5 }, "param 'refine_k' (0.5) should be in range [1.000000, "],
    ['f32', 'IVF_RABITQ', { refine_k: 'x' }, "invalid float value, key: 'refine_k', value: 'x'"],
    ['bits', 'BIN_IVF_FLAT', { nlist: 70_000 }, "param 'nlist' (70000)"],
    ['sparse', 'SPARSE_WAND', { drop_ratio_build: 0.2, inverted_index_algo: 'DAAT_WAND' }, 'accepted'],
    ['sparse', 'SPARSE_WAND', { drop_ratio_build: 1 }, 'should be in range [0.000000, 1.000000)'],
    [
      'sparse',
      'SPARSE_WAND',
      { inverted_index_algo: 'X' },
      'sparse inverted index algo X not found or not supported, supported: [',
    ],
    ['bm25', 'SPARSE_INVERTED_INDEX', { bm25_k1: 1.2, bm25_b: 0.75 }, 'accepted'],
    [
      'bm25',
      'SPARSE_INVERTED_INDEX',
      { bm25_k1: 3.1 },
      "param 'bm25_k1' (3.1) should be in range [0.000000, 3.000000]",
    ],
    ['bm25', 'SPARSE_INVERTED_INDEX', { bm25_b: -1 }, "param 'bm25_b' (-1) should be in range"],
    ['f32', 'AUTOINDEX', { 'mmap.enabled': true }, 'accepted'],
    ['f32', 'AUTOINDEX', { M: 16 }, 'only metric type can be passed when use AutoIndex'],
    ['f32', '', { nlist: 16 }, 'only metric type can be passed when use AutoIndex'],
    ['text', 'NGRAM', { min_gram: 2 }, 'Ngram index must specify both min_gram and max_gram'],
    ['text', 'NGRAM', { min_gram: 'x', max_gram: 3 }, 'min_gram for Ngram index must be an integer, got: x'],
    [
      'text',
      'NGRAM',
      { min_gram: 3, max_gram: 2 },
      'invalid min_gram or max_gram value for Ngram index, min_gram: 3, max_gram: 2',
    ],
    [
      'json',
      'NGRAM',
      { min_gram: 1, max_gram: 2, json_cast_type: 'double' },
      'Ngram index can only be created',
    ],
  ]
  for (const [fieldName, indexType, params, expected] of cases) {
    const outcome = refusal({ fieldName, indexType, params })
    t.ok(outcome.includes(expected), `${indexType} ${JSON.stringify(params)}: ${outcome}`)
  }
})

t.test('what is said twice must agree, wherever it is said', async t => {
  const spec = made({
    fieldName: 'f32',
    params: { index_type: 'hnsw', metric_type: 'L2', params: '{"M":16,"efConstruction":"200"}', M: 16 },
  })
  t.match(spec, { indexType: 'HNSW', metricType: 'L2', params: { M: '16', efConstruction: '200' } })
  t.same(made({ fieldName: 'f32', indexType: 'HNSW', params: { params: { M: 8 } } }).params, { M: '8' })
  t.same(made({ fieldName: 'f32', indexType: 'HNSW', params: { params: '' } }).params, {})
  t.match(
    refusal({ fieldName: 'f32', indexType: 'HNSW', params: { M: 8, params: '{"M":16}' } }),
    'index parameter M is given twice with different values',
  )
  t.match(refusal({ fieldName: 'f32', indexType: 'FLAT', params: { index_type: 'HNSW' } }), 'given twice')
  t.match(refusal({ fieldName: 'f32', params: { params: '{' } }), 'index params are not JSON')
  t.match(refusal({ fieldName: 'f32', params: { params: '[1]' } }), 'must be a JSON object')
  t.match(refusal({ fieldName: 'f32', params: { params: 5 } }), 'must be an object')
  t.match(refusal({ fieldName: 'f32', params: { params: 'x'.repeat(200_000) } }), 'exceed')
})

t.test('JSON indexes need a cast type and a path of their field', async t => {
  const ok: [string, Record<string, unknown>, Partial<IndexSpec>][] = [
    ['json', { json_cast_type: 'varchar' }, { name: 'json', fieldName: 'json' }],
    ['json', { json_cast_type: 'DOUBLE', json_path: 'json["a"][\'b\'][0]' }, { name: 'json/a/b/0' }],
    ['json', { json_cast_type: 'DOUBLE', json_cast_function: 'STRING_TO_DOUBLE' }, {}],
    [
      '$meta',
      { json_cast_type: 'bool', json_path: 'color["x"]' },
      { name: '$meta/color/x', fieldName: '$meta' },
    ],
    [
      'color',
      { json_cast_type: 'ARRAY_DOUBLE' },
      {
        name: '$meta/color',
        fieldName: '$meta',
        params: { json_cast_type: 'ARRAY_DOUBLE', json_path: 'color' },
      },
    ],
  ]
  for (const [fieldName, params, expected] of ok) {
    t.match(made({ fieldName, indexType: 'INVERTED', params }), expected)
  }
  const refused: [string, Record<string, unknown>, string][] = [
    ['json', {}, 'json index must specify cast type: missing parameter'],
    ['json', { json_cast_type: 'INT' }, 'json_cast_type INT is not supported'],
    ['json', { json_cast_type: 'BOOL', json_path: 'other["a"]' }, 'cannot parse identifier: other["a"]'],
    ['json', { json_cast_type: 'BOOL', json_path: 'json["a"' }, 'cannot parse identifier'],
    ['json', { json_cast_type: 'BOOL', json_path: '1a' }, 'cannot parse identifier'],
    ['json', { json_cast_type: 'BOOL', json_cast_function: 'x' }, 'json_cast_function x is not supported'],
    ['color', {}, 'json index must specify cast type'],
  ]
  for (const [fieldName, params, message] of refused) {
    t.match(refusal({ fieldName, indexType: 'INVERTED', params }), message)
  }
  t.match(
    refusal({ fieldName: 'color', indexType: 'HNSW' }),
    "data type JSON can't build with this index HNSW",
  )
})

t.test('an equal index is kept, a contradicting one refused', async t => {
  const first = made({ fieldName: 'f32', indexType: 'HNSW', metricType: 'L2', params: { M: 16 } })
  t.same(first, {
    id: 77,
    name: 'f32',
    fieldName: 'f32',
    indexType: 'HNSW',
    metricType: 'L2',
    params: { M: '16' },
  })
  const again = checkIndex(
    schema,
    { fieldName: 'f32', indexType: 'hnsw', metricType: 'L2', params: { M: '16', 'mmap.enabled': 'true' } },
    [first],
    78,
  )
  t.same(again, { spec: first, isNew: false })
  const distinct = 'at most one distinct index is allowed per field'
  t.match(
    refusal({ fieldName: 'f32', indexType: 'HNSW', metricType: 'IP', params: { M: 16 } }, [first]),
    distinct,
  )
  t.match(
    refusal({ fieldName: 'f32', indexType: 'HNSW', metricType: 'L2', params: { M: 17 } }, [first]),
    distinct,
  )
  t.match(refusal({ fieldName: 'f32', indexType: 'FLAT', metricType: 'L2' }, [first]), distinct)
  t.match(refusal({ fieldName: 'f16', indexName: 'f32' }, [first]), distinct)
  t.match(
    refusal({ fieldName: 'f32', indexName: 'second', indexType: 'FLAT' }, [first]),
    'CreateIndex failed: creating multiple indexes on same field is not supported',
  )
  const json = made({ fieldName: 'json', params: { json_cast_type: 'BOOL', json_path: 'json["a"]' } })
  const other = checkIndex(
    schema,
    { fieldName: 'json', params: { json_cast_type: 'BOOL', json_path: 'json["b"]' } },
    [json],
    78,
  )
  t.equal(other.isNew, true, 'one index per path of a JSON field')
  t.match(
    refusal(
      { fieldName: 'json', indexName: 'n', params: { json_cast_type: 'BOOL', json_path: 'json["a"]' } },
      [json],
    ),
    'creating multiple indexes on same field',
  )
})

t.test('index names are names', async t => {
  t.equal(made({ fieldName: 'f32', indexName: '_a1' }).name, '_a1')
  for (const indexName of ['1a', 'a b', 'a'.repeat(256)]) {
    t.match(refusal({ fieldName: 'f32', indexName }), `Invalid index name: ${indexName}.`)
  }
})

t.test('a declared type is served by a graph, a scan, sparse scans or scalar columns', async t => {
  const cases: [string, string, string][] = [
    ['f32', 'FLAT', 'flat'],
    ['f32', 'AUTOINDEX', 'hnsw'],
    ['i8', 'AUTOINDEX', 'hnsw'],
    ['f16', 'IVF_FLAT', 'hnsw'],
    ['bits', 'AUTOINDEX', 'flat'],
    ['bits', 'BIN_FLAT', 'flat'],
    ['sparse', 'AUTOINDEX', 'sparse'],
    ['bm25', 'SPARSE_WAND', 'sparse'],
    ['int', 'STL_SORT', 'scalar'],
  ]
  for (const [fieldName, indexType, server] of cases) {
    t.equal(servedBy(made({ fieldName, indexType }), fieldNamed(fieldName)), server)
  }
})

t.test('graph parameters are as declared, else the type’s defaults', async t => {
  const paramsOf = (indexType: string, params: Record<string, unknown> = {}) =>
    hnswParamsOf(made({ fieldName: 'f32', indexType, params }), fieldNamed('f32'))
  t.same(paramsOf('HNSW'), { metric: 'COSINE', dim: 12, m: 30, efConstruction: 360 })
  t.same(paramsOf('HNSW', { M: 5, efConstruction: '100' }), {
    metric: 'COSINE',
    dim: 12,
    m: 5,
    efConstruction: 100,
  })
  t.same(paramsOf('AUTOINDEX'), { metric: 'COSINE', dim: 12, m: 18, efConstruction: 240 })
  t.same(paramsOf('IVF_FLAT', { nlist: 5 }), { metric: 'COSINE', dim: 12, m: 18, efConstruction: 240 })
  t.equal(paramsOf('HNSW', { efConstruction: 2_000_000_000 }).efConstruction, 4096, 'echoed, not obeyed')
})
