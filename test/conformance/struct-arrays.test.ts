/**
 * Struct arrays end to end: declared, stored, returned, replaced as a whole, filtered by their elements
 * (upsert-semantics §6.5, §1.5, §2.3–2.5, line 76; query-search-semantics §1.15, §2.3).
 */
import t from 'tap'
import { type CreateCollection, type Database, DataType, open } from '../../lib/index.js'

const PARAGRAPHS = {
  name: 'paras',
  dataType: DataType.ArrayOfStruct,
  maxCapacity: 4,
  fields: [
    { name: 'text', dataType: DataType.VarChar, maxLength: 8 },
    { name: 'page', dataType: DataType.Int64 },
    { name: 'score', dataType: DataType.Float },
    { name: 'emb', dataType: DataType.FloatVector, dim: 2 },
  ],
} as const
const ID = { name: 'id', dataType: DataType.Int64, primaryKey: true } as const
const VEC = { name: 'vec', dataType: DataType.FloatVector, dim: 2 } as const
const DOCS: CreateCollection = {
  name: 'docs',
  fields: [ID, VEC, PARAGRAPHS, { ...PARAGRAPHS, name: 'notes', nullable: true }],
  indexes: [{ fieldName: 'vec', indexType: 'FLAT', metricType: 'L2' }],
}

const para = (text: string, page: number, score = 0.5) => ({ text, page, score, emb: [page, 1] })
const ids = (rows: readonly Record<string, unknown>[]) => rows.map(row => row['id'])

async function docs(db: Database) {
  await db.createCollection(DOCS)
  const docs = db.collection('docs')
  await docs.insert([
    { id: 1, vec: [1, 0], paras: [para('a', 1), para('b', 2), para('c', 3)], notes: [para('n', 9)] },
    { id: 2, vec: [2, 0], paras: [para('a', 5)], notes: null },
    { id: 3, vec: [3, 0], paras: [] },
    { id: 4, vec: [4, 0], paras: [para('b', 2), para('b', 3, 0.25)], notes: [] },
  ])
  return docs
}

t.test('struct arrays are stored and returned, growing, sealed and reopened', async t => {
  const dir = t.testdir()
  const db = await open(dir)
  await docs(db)
  for (const state of ['growing', 'sealed', 'reopened'] as const) {
    if (state === 'sealed') await db.collection('docs').flush()
    if (state === 'reopened') await db.close()
    const now = state === 'reopened' ? await open(dir) : db
    const docs = now.collection('docs')
    const rows = await docs.query({ filter: 'id > 0', outputFields: ['paras', 'notes'] })
    t.same(
      rows[0],
      { id: 1, paras: [para('a', 1), para('b', 2), para('c', 3)], notes: [para('n', 9)] },
      state,
    )
    t.same(
      rows.map(row => row['notes']),
      [[para('n', 9)], null, null, []],
      `${state}: [] is not null`,
    )
    t.same(
      await docs.query({ filter: 'id == 1', outputFields: ['paras[text]', 'paras[page]'] }),
      [
        {
          id: 1,
          paras: [
            { text: 'a', page: 1 },
            { text: 'b', page: 2 },
            { text: 'c', page: 3 },
          ],
        },
      ],
      state,
    )
    const [hits] = await docs.search({
      data: [[9, 0]],
      annsField: 'vec',
      limit: 1,
      filter: 'match_any(paras, $[page] == 5)',
      outputFields: ['paras'],
    })
    t.same(
      hits!.map(hit => [hit.id, hit.entity]),
      [[2, { paras: [para('a', 5)] }]],
      state,
    )
    if (state === 'reopened') await now.close()
  }
})

t.test('match_any, match_all, match_least, match_most, match_exact; array_length; null tests', async t => {
  const db = await open(t.testdir())
  const collection = await docs(db)
  const cases: readonly (readonly [string, number[]])[] = [
    ['match_any(paras, $[text] == "b")', [1, 4]],
    ['not match_any(paras, $[text] == "b")', [2, 3]],
    ['match_all(paras, $[text] == "b")', [3, 4]],
    ['match_any(paras, $[text] == "b" and $[page] == 3)', [4]],
    ['match_any(paras, $[text] == "b") and match_any(paras, $[page] == 3)', [1, 4]],
    ['match_any(paras, not ($[page] in [1, 2, 3]))', [2]],
    ['match_any(paras, $[text] like "c%" or $[page] > 4)', [1, 2]],
    ['match_any(paras, 2 <= $[page] < 4)', [1, 4]],
    ['match_any(paras, $[score] < 0.3)', [4]],
    ['match_least(paras, $[page] < 4, threshold=2)', [1, 4]],
    ['match_least(paras, $[page] < 4, threshold=3)', [1]],
    ['match_most(paras, $[page] < 4, threshold=0)', [2, 3]],
    ['match_exact(paras, $[page] < 4, threshold=2)', [4]],
    ['MATCH_EXACT(paras, $[page] == 5, threshold=1)', [2]],
    ['match_any(paras, $[page] == {p}) or id == 3', [2, 3]],
    ['match_any(notes, $[page] == 9)', [1]],
    ['not match_any(notes, $[page] == 9)', [4]],
    ['notes is null', [2, 3]],
    ['array_length(paras) >= 2', [1, 4]],
    ['array_length(paras) == 0', [3]],
    ['array_length(notes) < 5', [1, 4]],
    ['(id == 3 or match_any(paras, $[text] == "c" or $[page] == 5)) and (id < 3 or id > 3)', [1, 2]],
  ]
  for (const state of ['growing', 'sealed']) {
    if (state === 'sealed') await collection.flush()
    for (const [filter, wanted] of cases) {
      t.same(ids(await collection.query({ filter, templates: { p: 5 } })), wanted, `${state}: ${filter}`)
    }
  }
  for (const filter of [
    'match_any(paras)',
    'match_any(id, $[page] == 1)',
    'match_any(paras, page == 1)',
    'match_any(paras, id == 1)',
    'match_any(paras, $[nothing] == 1)',
    'match_any(paras, $[page] == "x")',
    'match_any(paras, $[emb] == 1)',
    'match_any(paras, $[page])',
    'match_any(paras, match_any(paras, $[page] == 1))',
    'match_least(paras, $[page] == 1)',
    'match_least(paras, $[page] == 1, threshold=-1)',
    'match_least(paras, $[page] == 1, threshold=0)',
    'match_any(paras, $[page] == 1, threshold=1)',
    'match_exact(paras, $[page] == 1, count=1)',
    '$[page] == 1',
    'paras[page] == 1',
    'paras == [1]',
    'paras in [1]',
    'paras like "a"',
    'match_exact(paras, $[page] == 1, threshold=1.5)',
  ]) {
    await t.rejects(collection.query({ filter }), { code: 1100, message: /cannot parse expression/ }, filter)
  }
  await db.close()
})

t.test(
  '#76 an upsert replaces the whole struct; null, value and [] turn into each other; left out it stays',
  async t => {
    const db = await open(t.testdir())
    const collection = await docs(db)
    for (const state of ['growing', 'sealed']) {
      if (state === 'sealed') await collection.flush()
      const merge = { partialUpdate: true }
      const notes = async (id: number) =>
        (await collection.get([id], { outputFields: ['notes'] }))[0]!['notes']
      await collection.upsert([{ id: 1, notes: [para('x', 1), para('y', 2)] }], merge)
      t.same(await notes(1), [para('x', 1), para('y', 2)], state)
      await collection.upsert([{ id: 1, vec: [7, 7] }], merge)
      t.same(await notes(1), [para('x', 1), para('y', 2)], `${state}: left out it stays`)
      await collection.upsert(
        [
          { id: 1, notes: null },
          { id: 4, notes: null },
        ],
        merge,
      )
      t.same([await notes(1), await notes(4)], [null, null], state)
      await collection.upsert(
        [
          { id: 1, notes: [] },
          { id: 4, notes: [para('z', 0)] },
        ],
        merge,
      )
      t.same([await notes(1), await notes(4)], [[], [para('z', 0)]], state)
      await collection.upsert([{ id: 4, vec: [0, 0], paras: [para('o', 1)] }])
      t.same(
        await collection.get([4], { outputFields: ['paras', 'notes'] }),
        [{ id: 4, paras: [para('o', 1)], notes: null }],
        state,
      )
    }
    await t.rejects(collection.upsert([{ id: 99, vec: [0, 0] }], { partialUpdate: true }), {
      message: /structFieldSchema\(paras\) has no corresponding fieldData pass in/,
    })
    await t.rejects(collection.upsert([{ id: 1, 'paras[page]': [1] }], { partialUpdate: true }), {
      message:
        /partial struct update is not supported for struct sub-field 'paras\[page\]'; use the whole struct field/,
    })
    await t.rejects(
      collection.upsert([{ id: 1, paras: [para('x', 1)] }], { fieldOps: { paras: 'ARRAY_APPEND' } }),
      /op ARRAY_APPEND is not supported for struct field "paras"/,
    )
    await db.close()
  },
)

t.test('rows that do not fit are refused and change nothing', async t => {
  const db = await open(t.testdir())
  const collection = await docs(db)
  const good = para('a', 1)
  for (const [paras, phrase] of [
    [undefined, "required struct array field 'paras' is missing in insert data"],
    [null, 'expected ArrayOfStruct'],
    [5, 'an array of objects'],
    [[5], 'element 0 to be an object'],
    [[{ text: 'a' }], 'inconsistent sub-field data in struct'],
    [[{ ...good, more: 1 }], 'inconsistent sub-field data in struct'],
    [[{ ...good, page: 'x' }], 'page'],
    [[{ ...good, page: null }], 'page'],
    [[{ ...good, emb: [1] }], 'dim'],
    [[{ ...good, emb: [Number.NaN, 1] }], 'is not a number or infinity'],
    [[{ ...good, text: 'too long, much too long' }], 'exceeds max length'],
    [[good, good, good, good, good], 'exceeds max capacity (4)'],
  ] as const) {
    await t.rejects(collection.insert([{ id: 9, vec: [0, 0], paras }]), { code: 1100 }, phrase)
    await t.rejects(collection.insert([{ id: 9, vec: [0, 0], paras }]), {
      message: new RegExp(phrase.replace(/[()]/g, '\\$&')),
    })
  }
  t.equal(await collection.count({ filter: 'id == 9' }), 0)
  await db.close()
})

t.test('declarations: what is allowed, what is refused, and a struct that is added later', async t => {
  const db = await open(t.testdir())
  const sub = PARAGRAPHS.fields
  const declare = (struct: object) =>
    db.createCollection({ name: 'bad', fields: [ID, VEC, { ...PARAGRAPHS, ...struct } as never] })
  for (const struct of [
    { fields: [] },
    { fields: undefined },
    { fields: [sub[0], sub[0]] },
    { fields: [{ name: 'j', dataType: DataType.JSON }] },
    { fields: [{ name: 'g', dataType: DataType.Geometry }] },
    { fields: [{ name: 's', dataType: DataType.SparseFloatVector }] },
    { fields: [{ name: 'x', dataType: DataType.Int64, nullable: true }] },
    { fields: [{ name: 'x', dataType: DataType.Int64, defaultValue: 1 }] },
    { fields: [{ name: 'x', dataType: DataType.Int64, primaryKey: true }] },
    { fields: [{ name: 'x', dataType: DataType.Int64, maxCapacity: 9 }, sub[1]] },
    { fields: [{ name: 'v', dataType: DataType.FloatVector }] },
    { fields: [{ name: 't', dataType: DataType.VarChar }] },
    { fields: Array.from({ length: 62 }, (_, i) => ({ name: `f${i}`, dataType: DataType.Int64 })) },
    { maxCapacity: 0 },
    { maxCapacity: undefined },
    { defaultValue: [] },
    { primaryKey: true },
    { partitionKey: true },
    { name: 'id' },
  ]) {
    await t.rejects(declare(struct), { code: 1100 }, JSON.stringify(struct))
  }
  const collection = await docs(db)
  await db.createCollection(DOCS)
  t.pass('the same declaration again is the same collection')
  await db.createCollection({
    ...DOCS,
    name: 'spelled',
    fields: [ID, VEC, { ...PARAGRAPHS, dataType: DataType.Array, elementType: DataType.Struct }],
  })
  await db.collection('spelled').insert([{ id: 1, vec: [0, 0], paras: [para('a', 1)] }])
  await collection.addField({ ...PARAGRAPHS, name: 'later', nullable: true })
  await collection.insert([{ id: 8, vec: [0, 0], paras: [], later: [para('a', 1)] }])
  t.same(
    (await collection.query({ filter: 'id in [1, 8]', outputFields: ['later'] })).map(row => row['later']),
    [null, [para('a', 1)]],
  )
  await db.close()
})

t.test(
  'element_filter: one row per matching element, with its place; limit and offset count elements',
  async t => {
    const db = await open(t.testdir())
    const collection = await docs(db)
    const query = async (filter: string, more: object = {}) =>
      (await collection.query({ filter, outputFields: ['id'], ...more })).map(row => [
        row['id'],
        row['offset'],
      ])
    for (const state of ['growing', 'sealed']) {
      if (state === 'sealed') await collection.flush()
      const all = [
        [1, 1],
        [1, 2],
        [4, 0],
        [4, 1],
      ]
      t.same(await query('element_filter(paras, 2 <= $[page] < 5)'), all, state)
      t.same(
        await query('id > 1 and element_filter(paras, $[page] >= 2)'),
        [
          [2, 0],
          [4, 0],
          [4, 1],
        ],
        state,
      )
      t.same(await query('ELEMENT_FILTER(paras, $[page] == {p})', { templates: { p: 5 } }), [[2, 0]], state)
      t.same(
        await query('element_filter(paras, 2 <= $[page] < 5)', { limit: 2, offset: 1 }),
        all.slice(1, 3),
        state,
      )
      t.same(await query('element_filter(paras, $[page] > 100)'), [], state)
      t.same(
        await query('match_any(paras, $[text] == "c") and element_filter(paras, $[text] != "c")'),
        [
          [1, 0],
          [1, 1],
        ],
        state,
      )
      t.same(
        await collection.query({
          filter: 'element_filter(paras, $[page] == 5)',
          outputFields: ['paras[text]'],
        }),
        [{ id: 2, paras: [{ text: 'a' }], offset: 0 }],
        state,
      )
    }
    const good = 'element_filter(paras, $[page] == 1)'
    for (const filter of [
      `${good} and id > 0`,
      `not ${good}`,
      `${good} or id == 1`,
      `${good} and ${good}`,
      'match_any(paras, element_filter(paras, $[page] == 1))',
      'element_filter(paras, element_filter(paras, $[page] == 1))',
      'element_filter(paras)',
      'element_filter(id, $[page] == 1)',
      'element_filter(paras, id == 1)',
    ]) {
      await t.rejects(
        collection.query({ filter }),
        { code: 1100, message: /cannot parse expression/ },
        filter,
      )
    }
    const sum = { filter: good, outputFields: ['sum(id)'] }
    await t.rejects(collection.query(sum), { code: 1100 })
    await t.rejects(collection.queryIterator({ filter: good }), { code: 1100 })
    await t.rejects(collection.delete({ filter: good }), { code: 1100 })
    await t.rejects(collection.search({ data: [[0, 0]], annsField: 'vec', limit: 1, filter: good }), {
      code: 1100,
    })
    await db.close()
  },
)

t.test(
  'MAX_SIM: the sum of the best scores of each query vector, exact, over growing and sealed rows',
  async t => {
    const db = await open(t.testdir())
    const collection = await docs(db)
    const metrics = { MAX_SIM_IP: 1, MAX_SIM_COSINE: 1, MAX_SIM_L2: -1 } as const
    const stored = [
      [
        [1, 1],
        [2, 1],
        [3, 1],
      ],
      [[5, 1]],
      [],
      [
        [2, 1],
        [3, 1],
      ],
    ]
    const query = [
      [1, 0],
      [2, -3],
    ]
    const pair = (metric: string, [a, b]: number[], [c, d]: number[]) => {
      const dot = a! * c! + b! * d!
      if (metric === 'MAX_SIM_IP') return dot
      if (metric === 'MAX_SIM_L2') return (a! - c!) ** 2 + (b! - d!) ** 2
      return dot / (Math.hypot(a!, b!) * Math.hypot(c!, d!))
    }
    for (const [metricType, sign] of Object.entries(metrics)) {
      await collection.createIndex({
        fieldName: 'paras[emb]',
        indexType: 'HNSW',
        metricType,
        params: { M: 8 },
      })
      const best = (of: number[][]) =>
        query.reduce((sum, q) => sum + sign * Math.max(...of.map(v => sign * pair(metricType, q, v))), 0)
      const wanted = stored
        .map((of, i) => ({ id: i + 1, score: best(of) }))
        .filter((_, i) => stored[i]!.length > 0)
        .sort((a, b) => sign * (b.score - a.score))
      const search = (more: object = {}) =>
        collection.search({
          data: [query],
          annsField: 'paras[emb]',
          limit: 9,
          outputFields: ['paras[page]'],
          ...more,
        })
      for (const state of ['growing', 'sealed']) {
        if (state === 'sealed') await collection.flush()
        const [hits] = await search()
        t.same(
          hits!.map(hit => hit.id),
          wanted.map(hit => hit.id),
          `${metricType} ${state}`,
        )
        for (let i = 0; i < wanted.length; i++)
          t.ok(Math.abs(hits![i]!.score - wanted[i]!.score) < 1e-5, `score ${i}`)
        const [few] = await search({ filter: 'id != 2', limit: 1, offset: 1 })
        t.same(
          few!.map(hit => hit.id),
          wanted
            .filter(hit => hit.id !== 2)
            .slice(1)
            .map(hit => hit.id),
        )
        const flat = Float32Array.from(query.flat())
        t.same(
          (await search({ data: [flat, query] })).map(list => list.map(hit => hit.id)),
          [wanted, wanted].map(list => list.map(hit => hit.id)),
        )
      }
      for (const bad of [
        { data: [[1, 0]] },
        { data: [[]] },
        { data: [[[1]]] },
        { data: [new Float32Array(3)] },
        { data: [] },
        { metricType: 'COSINE' },
        { groupByField: 'id' },
        { orderBy: 'id' },
        { limit: 0 },
        { hints: 'fast' },
        { ids: [1], data: undefined },
      ]) {
        await t.rejects(search(bad), { code: 1100 }, JSON.stringify(bad))
      }
      await t.rejects(
        collection.dropIndex('paras[emb]'),
        { code: 1100 },
        'a vector index of a loaded collection',
      )
      await collection.release()
      await collection.dropIndex('paras[emb]')
      await collection.load()
    }
    await collection.createIndex({ fieldName: 'paras[emb]', metricType: 'MAX_SIM' })
    await collection.addField({ name: 'more', dataType: DataType.Int64, nullable: true })
    t.equal(
      (await collection.search({ data: [query], annsField: 'paras[emb]', limit: 1 }))[0]!.length,
      1,
      'still there after a change of the schema',
    )
    await collection.release()
    await collection.dropIndex('paras[emb]')
    await collection.load()
    await t.rejects(
      collection.search({ data: [query], annsField: 'paras[emb]', limit: 1 }),
      { code: 1100 },
      'no index',
    )
    for (const index of [
      { fieldName: 'paras[emb]', indexType: 'HNSW', metricType: 'COSINE' },
      { fieldName: 'paras[emb]', indexType: 'HNSW', metricType: 'MAX_SIM_HAMMING' },
      { fieldName: 'paras[page]', indexType: 'INVERTED' },
      { fieldName: 'paras[none]', indexType: 'HNSW', metricType: 'MAX_SIM' },
      { fieldName: 'paras', indexType: 'INVERTED' },
      { fieldName: 'paras' },
    ]) {
      await t.rejects(collection.createIndex(index), { code: 1100 }, JSON.stringify(index))
    }
    await db.close()
  },
)
