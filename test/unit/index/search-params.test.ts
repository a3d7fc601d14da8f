import t from 'tap'
import { checkIndex, checkSearchParams } from '../../../lib/index/index-params.js'
import type { IndexSpec } from '../../../lib/index/index-spec.js'
import { defaultEf } from '../../../lib/index/search-params.js'
import type { CollectionSchema } from '../../../lib/schema/collection-schema.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { fieldOf } from './fixtures-vectors.js'

const floats = fieldOf(DataType.FloatVector, 4)
const bits = fieldOf(DataType.BinaryVector, 16)
const sparse = fieldOf(DataType.SparseFloatVector)

function specOf(
  indexType: string,
  metricType = '',
  field = floats,
  params: Record<string, unknown> = {},
): IndexSpec {
  const schema: CollectionSchema = {
    name: 'c',
    description: '',
    fields: [field],
    functions: [],
    pkIndex: 0,
    dynamicIndex: -1,
    partitionKeyIndex: -1,
    maxFieldId: 101,
    version: 1,
  }
  return checkIndex(schema, { fieldName: 'v', indexType, metricType, params }, [], 1).spec
}

t.test('the width of a search comes from the parameter its index type knows', async t => {
  const cases: [IndexSpec | null, Record<string, unknown>, number, number][] = [
    [specOf('HNSW'), {}, 10, 128],
    [specOf('HNSW'), {}, 100, 300],
    [specOf('HNSW'), {}, 1000, 1200],
    [specOf('HNSW'), { ef: 10 }, 10, 10],
    [specOf('HNSW'), { ef: '64' }, 10, 64],
    [specOf('HNSW'), { nprobe: 1024 }, 10, 128],
    [specOf('HNSW'), { nprobe: 'junk', search_list: -1 }, 10, 128],
    [specOf('HNSW_SQ', '', floats, { refine: true }), { ef: 20, refine_k: 3 }, 10, 30],
    [specOf('HNSW_SQ'), { ef: 20, refine_k: 3 }, 10, 20],
    [specOf('AUTOINDEX'), { level: 1 }, 10, 128],
    [specOf('AUTOINDEX'), { level: 3 }, 10, 256],
    [specOf('DISKANN'), { search_list: 50 }, 10, 50],
    [specOf('SCANN'), { reorder_k: 500, nprobe: 4 }, 10, 500],
    [specOf('IVF_FLAT'), { nprobe: 1 }, 10, 128],
    [specOf('IVF_FLAT'), { nprobe: 64 }, 10, 512],
    [specOf('IVF_FLAT'), { nprobe: 65_536 }, 10, 1024],
    [specOf('FLAT'), { ef: 'junk', nprobe: -1 }, 10, 128],
    [null, { ef: 'junk' }, 10, 128],
  ]
  for (const [spec, params, k, ef] of cases) {
    t.equal(
      checkSearchParams(spec, floats, params, k).ef,
      ef,
      `${spec?.indexType} ${JSON.stringify(params)} k=${k}`,
    )
  }
  for (const k of [1, 10, 100, 16_384]) t.ok(defaultEf(k) >= k)
})

t.test('wrong search parameters are refused in Milvus’s words', async t => {
  const ip = specOf('SPARSE_INVERTED_INDEX', 'IP', sparse)
  const cases: [IndexSpec, Record<string, unknown>, string][] = [
    [specOf('HNSW'), { ef: 1 }, 'ef(1) should be larger than k(10): invalid parameter'],
    [specOf('HNSW'), { ef: true }, "Type conflict in json: param 'ef' (true) should be integer"],
    [specOf('HNSW'), { ef: null }, "Type conflict in json: param 'ef' (null) should be integer"],
    [specOf('HNSW'), { ef: [32] }, "Type conflict in json: param 'ef' ([32]) should be integer"],
    [specOf('HNSW'), { ef: '32.0' }, "Type conflict in json: param 'ef' (32.0) should be integer"],
    [specOf('HNSW'), { ef: 32.5 }, "Type conflict in json: param 'ef' (32.5) should be integer"],
    [specOf('HNSW'), { ef: -1 }, "Out of range in json: param 'ef' (-1) should be in range [1, 2147483647]"],
    [specOf('HNSW'), { ef: 2 ** 31 }, 'should be in range [1, 2147483647]'],
    [specOf('HNSW_SQ'), { refine_k: true }, "param 'refine_k' (true) should be a number"],
    [specOf('HNSW_SQ'), { refine_k: 0 }, "Out of range in json: param 'refine_k' (0)"],
    [
      specOf('IVF_FLAT'),
      { nprobe: 0 },
      "Out of range in json: param 'nprobe' (0) should be in range [1, 65536]",
    ],
    [specOf('IVF_RABITQ'), { rbq_bits_query: 9 }, "param 'rbq_bits_query' (9) should be in range [0, 8]"],
    [specOf('SCANN'), { reorder_k: 9 }, 'reorder_k(9) should be larger than k(10)'],
    [specOf('DISKANN'), { search_list: 1 }, 'search_list_size(1) should be larger than k(10)'],
    [specOf('AUTOINDEX'), { level: 6 }, "param 'level' (6) should be in range [1, 5]"],
    [ip, { drop_ratio_search: 1 }, "Out of range in json: param 'drop_ratio_search' (1) should be in range"],
    [ip, { drop_ratio_search: -0.1 }, "param 'drop_ratio_search' (-0.1)"],
    [ip, { dim_max_score_ratio: 2 }, 'should be in range [0.500000, 1.300000]'],
  ]
  for (const [spec, params, message] of cases) {
    const field = spec === ip ? sparse : floats
    t.throws(() => checkSearchParams(spec, field, params, 10), {
      code: 1100,
      message: new RegExp(escaped(message)),
    })
  }
})

t.test('range bounds have an order that depends on the metric', async t => {
  const l2 = specOf('HNSW', 'L2')
  const cosine = specOf('HNSW', 'COSINE')
  t.match(checkSearchParams(l2, floats, { radius: 2, range_filter: '0.5' }, 5), {
    radius: 2,
    rangeFilter: 0.5,
  })
  t.match(checkSearchParams(cosine, floats, { radius: '0.2', range_filter: 0.5 }, 5), {
    radius: 0.2,
    rangeFilter: 0.5,
  })
  t.same(checkSearchParams(l2, floats, { radius: 2 }, 5), { ef: 128, radius: 2 })
  t.match(checkSearchParams(null, floats, { radius: 0.1, range_filter: 0.2 }, 5), { rangeFilter: 0.2 })
  const structure = specOf('BIN_FLAT', 'SUBSTRUCTURE', bits)
  const cases: [IndexSpec, Record<string, unknown>, string][] = [
    [l2, { range_filter: 1 }, 'range_filter requires radius to be set'],
    [l2, { radius: 1, range_filter: 2 }, 'range_filter(2) must be less than radius(1)'],
    [l2, { radius: 1, range_filter: 1 }, 'must be less than radius'],
    [cosine, { radius: 0.5, range_filter: 0.2 }, 'range_filter(0.2) must be greater than radius(0.5)'],
    [
      l2,
      { radius: 'x' },
      'Type conflict in json: param \'radius\' ("x") should be a number, type must be number',
    ],
    [l2, { radius: [1] }, 'type must be number'],
    [l2, { radius: Number.NaN }, 'type must be number'],
    [l2, { radius: 1, range_filter: true }, "param 'range_filter' (true) should be a number"],
    [structure, { radius: 1 }, 'range search is not supported by metric type SUBSTRUCTURE'],
  ]
  for (const [spec, params, message] of cases) {
    const field = spec === structure ? bits : floats
    t.throws(() => checkSearchParams(spec, field, params, 5), { message: new RegExp(escaped(message)) })
  }
})

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
