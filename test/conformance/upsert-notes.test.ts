/**
 * The special notes of the page "Upsert Entities": nullable fields, dynamic keys and JSON fields, override and merge.
 *
 * Each note is one stored row, one upsert and the row that must be there afterwards.
 */
import t from 'tap'
import { type Collection, DataType, type Row } from '../../lib/index.js'
import { holds, runScenarios, type Scenario, schemaWith } from '../support/states.js'

const NOTES = schemaWith([
  { name: 'title', dataType: DataType.VarChar, maxLength: 64 },
  { name: 'issue', dataType: DataType.VarChar, maxLength: 64, nullable: true },
])
const DYNAMIC = schemaWith([], { enableDynamicField: true })
const EXTRAS = schemaWith([{ name: 'extras', dataType: DataType.JSON, nullable: true }])
const EXTRAS_REPLACED = { ...EXTRAS, properties: { 'kestrel.partial_update.json': 'replace' } }
const JOHN = { author: 'John', year: 2020, tags: ['fiction'] }
const JANE = { author: 'Jane', genre: 'fantasy' }
const MERGED = { author: 'Jane', year: 2020, tags: ['fiction'], genre: 'fantasy' }
const vec = [0.5, 0.25]

interface Note {
  readonly name: string
  readonly schema: Scenario['schema']
  readonly given: Row
  readonly row: Row
  readonly partialUpdate?: boolean
  readonly expected: Row
}

/** Special notes: one stored row, one upsert, one result. */
const SPECIAL: readonly Note[] = [
  {
    name: 'a nullable field left out of an override becomes null',
    schema: NOTES,
    given: { id: 1, title: 'a', issue: 'vol.1', vec },
    row: { id: 1, title: 'b', vec },
    expected: { id: 1, title: 'b', issue: null, vec },
  },
  {
    name: 'a nullable field left out of a merge keeps its value',
    schema: NOTES,
    given: { id: 1, title: 'a', issue: 'vol.1', vec },
    row: { id: 1, title: 'b' },
    partialUpdate: true,
    expected: { id: 1, title: 'b', issue: 'vol.1', vec },
  },
  {
    name: 'a nullable field given in an override keeps its value',
    schema: NOTES,
    given: { id: 1, title: 'a', issue: 'vol.1', vec },
    row: { id: 1, title: 'b', issue: 'vol.1', vec },
    expected: { id: 1, title: 'b', issue: 'vol.1', vec },
  },
  {
    name: 'dynamic keys are overridden as a whole',
    schema: DYNAMIC,
    given: { id: 1, vec, ...JOHN },
    row: { id: 1, vec, ...JANE },
    expected: { id: 1, vec, ...JANE },
  },
  {
    name: 'dynamic keys are merged key by key, the request wins',
    schema: DYNAMIC,
    given: { id: 1, vec, ...JOHN },
    row: { id: 1, ...JANE },
    partialUpdate: true,
    expected: { id: 1, vec, ...MERGED },
  },
  {
    name: "the page's contradicting dynamic request: the request's keys win",
    schema: DYNAMIC,
    given: { id: 1, vec, ...JOHN },
    row: { id: 1, ...JOHN },
    partialUpdate: true,
    expected: { id: 1, vec, ...JOHN },
  },
  {
    name: 'a JSON field is overridden',
    schema: EXTRAS,
    given: { id: 1, vec, extras: JOHN },
    row: { id: 1, vec, extras: JANE },
    expected: { id: 1, extras: JANE, vec },
  },
  {
    name: 'a JSON field is merged key by key',
    schema: EXTRAS,
    given: { id: 1, vec, extras: JOHN },
    row: { id: 1, extras: JANE },
    partialUpdate: true,
    expected: { id: 1, extras: MERGED, vec },
  },
  {
    name: 'a JSON merge stops at the top level, and null is a value',
    schema: EXTRAS,
    given: { id: 1, vec, extras: { a: { b: 1 }, c: 2 } },
    row: { id: 1, extras: { a: { d: 3 }, c: null } },
    partialUpdate: true,
    expected: { id: 1, extras: { a: { d: 3 }, c: null }, vec },
  },
  {
    name: 'a JSON merge replaces when the stored value is no object',
    schema: EXTRAS,
    given: { id: 1, vec, extras: [1, 2] },
    row: { id: 1, extras: JANE },
    partialUpdate: true,
    expected: { id: 1, extras: JANE, vec },
  },
  {
    name: 'a JSON merge replaces when the given value is no object',
    schema: EXTRAS,
    given: { id: 1, vec, extras: JOHN },
    row: { id: 1, extras: 'text' },
    partialUpdate: true,
    expected: { id: 1, extras: 'text', vec },
  },
  {
    name: 'a null in a JSON merge stores null',
    schema: EXTRAS,
    given: { id: 1, vec, extras: JOHN },
    row: { id: 1, extras: null },
    partialUpdate: true,
    expected: { id: 1, extras: null, vec },
  },
  {
    name: "with property kestrel.partial_update.json 'replace' a JSON field is replaced",
    schema: EXTRAS_REPLACED,
    given: { id: 1, vec, extras: JOHN },
    row: { id: 1, extras: JANE },
    partialUpdate: true,
    expected: { id: 1, extras: JANE, vec },
  },
]

const NOTED: readonly Scenario[] = SPECIAL.map(({ name, schema, given, row, partialUpdate, expected }) => ({
  name,
  schema,
  given: [given, { ...given, id: 2 }],
  when: async (collection: Collection) => {
    await collection.upsert([row], { partialUpdate: partialUpdate === true })
    const other: Row = (await collection.get(2))[0]!
    return holds([expected, other])
  },
}))

t.test('the notes, wherever the rows are', t => runScenarios(t, NOTED))
