/**
 * The words collection that benches and demo work on, through the public API alone.
 *
 * Row i is word i of the frequency list. `bucket` spreads rows evenly over 0 … 99, so `bucket < 10` selects 10 % of
 * them and `bucket < 1` one percent, independent of the vectors.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DataType, open } from '../lib/index.js'
import type { Words } from './words.js'

export type Database = Awaited<ReturnType<typeof open>>
export type Collection = ReturnType<Database['collection']>
export type Row = Record<string, unknown>

/** Parameters of our graphs and of the bare ones beside them. */
export const GRAPH = { M: 16, efConstruction: 200, ef: 64, seed: 100 } as const

export const COLLECTION = 'words'
/** Milvus's metric; hnswlib calls it 'cosine'. */
export const METRIC = 'COSINE'

/** A new empty folder; removed by `removeFolders`. */
export function newFolder(label: string): string {
  const folder = mkdtempSync(join(tmpdir(), `kestrel-${label}-`))
  folders.push(folder)
  return folder
}

const folders: string[] = []

/** Removes every folder this process made. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

/** Creates the words collection and returns it. */
export async function createWords(db: Database): Promise<Collection> {
  await db.createCollection({
    name: COLLECTION,
    enableDynamicField: true,
    autoId: false,
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'vector', dataType: DataType.FloatVector, dim: 100 },
      { name: 'word', dataType: DataType.VarChar, maxLength: 256 },
      { name: 'bucket', dataType: DataType.Int32 },
      { name: 'note', dataType: DataType.VarChar, maxLength: 256, nullable: true },
      { name: 'extras', dataType: DataType.JSON, nullable: true },
    ],
    indexes: [
      {
        fieldName: 'vector',
        indexType: 'HNSW',
        metricType: METRIC,
        params: { M: GRAPH.M, efConstruction: GRAPH.efConstruction },
      },
    ],
  })
  return db.collection(COLLECTION)
}

/** Vector `i` as plain numbers. */
export function vectorOf(words: Words, i: number): number[] {
  return Array.from(words.vectors.subarray(i * words.dim, (i + 1) * words.dim))
}

/** Bucket of row `i`: 0 … 99, spread evenly and unrelated to frequency. */
export function bucketOf(i: number): number {
  return (i * 37) % 100
}

/** Row `i` of the collection. */
export function rowOf(words: Words, i: number): Row {
  return { id: i, vector: vectorOf(words, i), word: words.words[i]!, bucket: bucketOf(i) }
}

/** Rows `from` … `from + count − 1`. */
export function rowsOf(words: Words, from: number, count: number): Row[] {
  return Array.from({ length: count }, (_, offset) => rowOf(words, from + offset))
}

/** Inserts rows 0 … count − 1 in batches; calls `onBatch` with the rows done so far. */
export async function insertWords(
  collection: Collection,
  words: Words,
  count: number,
  batchRows: number,
  onBatch: (done: number) => void = () => {},
): Promise<void> {
  for (let from = 0; from < count; from += batchRows) {
    const size = Math.min(batchRows, count - from)
    await collection.insert(rowsOf(words, from, size))
    onBatch(from + size)
  }
}

/** Rows visible now. */
export async function countRows(collection: Collection): Promise<number> {
  return Number(await collection.count({ filter: '' }))
}

/** A store with the first `count` words, flushed, compacted and indexed; made once per process and count. */
export function preparedStore(words: Words, count: number): Promise<string> {
  let path = prepared.get(count)
  if (path === undefined) {
    path = prepare(words, count)
    prepared.set(count, path)
  }
  return path
}

const prepared = new Map<number, Promise<string>>()

async function prepare(words: Words, count: number): Promise<string> {
  const path = join(newFolder('prepared'), 'db')
  const db = await open(path)
  try {
    const collection = await createWords(db)
    await insertWords(collection, words, count, 1_000)
    await collection.flush()
    await collection.compact()
  } finally {
    await db.close()
  }
  return path
}
