/**
 * One word per thing: names that could mean anything are not used in lib/, neither for files nor for exports.
 *
 * Only whole words of a name count (`dataType` is Milvus's own word; `processing` is not `process`). What
 * lib/wire/messages exports carries the names of Milvus's protocol, whatever they are.
 */
import { basename } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { parse, type SourceFile, sourceFiles } from './sources.js'

/** Banned word → what to write instead. */
const BANNED: Readonly<Record<string, string>> = {
  manager: 'what it does: catalog, scheduler, picker, oracle',
  helper: 'the thing it works on, or put the function beside its one caller',
  helpers: 'the things they work on, one file each',
  util: 'the thing it works on: bytes, bitset, timestamp',
  utils: 'the things they work on, one file each',
  info: 'what is told: stats, meta, schema, description',
  process: 'the verb: validate, encode, append, seal, flush, compact, reduce, project',
  handle: 'the thing held: store, segment, snapshot, collection; or the verb that is done',
}
const DATA_INSTEAD = 'what the bytes are: rows, columns, record, chunk, entity'

/** Words of an identifier or a file name, in lower case. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .map(word => word.toLowerCase())
}

/** Names a file exports, with a mark for classes. */
function exportsOf(file: SourceFile): { name: string; isClass: boolean }[] {
  const found: { name: string; isClass: boolean }[] = []
  for (const statement of parse(file).statements) {
    if (ts.isExportDeclaration(statement)) {
      const clause = statement.exportClause
      if (clause === undefined || !ts.isNamedExports(clause)) continue
      for (const element of clause.elements) found.push({ name: element.name.text, isClass: false })
    }
    const marks = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : []
    if (!marks.some(mark => mark.kind === ts.SyntaxKind.ExportKeyword)) continue
    if (ts.isVariableStatement(statement)) {
      for (const declared of statement.declarationList.declarations) {
        if (ts.isIdentifier(declared.name)) found.push({ name: declared.name.text, isClass: false })
      }
    } else if ('name' in statement) {
      const name = (statement as { name?: ts.Identifier }).name
      if (name !== undefined) found.push({ name: name.text, isClass: ts.isClassDeclaration(statement) })
    }
  }
  return found
}

/** One line per banned name in a file. */
function bannedNames(file: SourceFile): string[] {
  const fileName = basename(file.path, '.ts')
  const lines: string[] = []
  const judge = (name: string, kind: string, dataBanned: boolean) => {
    const words = wordsOf(name)
    for (const word of words) {
      if (word in BANNED) lines.push(`${file.path}: ${kind} "${name}" says "${word}"; write ${BANNED[word]}`)
    }
    if (dataBanned && words.at(-1) === 'data') {
      lines.push(`${file.path}: ${kind} "${name}" says "data"; write ${DATA_INSTEAD}`)
    }
  }
  judge(fileName, 'file', fileName === 'data')
  if (file.path.startsWith('lib/wire/messages/')) return lines
  for (const { name, isClass } of exportsOf(file)) judge(name, 'export', isClass)
  return lines
}

t.test('no file and no export of lib has a name that could mean anything', async t => {
  t.strictSame(sourceFiles('lib').flatMap(bannedNames), [])
})

t.test('the check itself finds whole words only', async t => {
  const count = (path: string, text: string) => bannedNames({ path, text }).length
  t.equal(count('lib/a/segment-manager.ts', ''), 1)
  t.equal(count('lib/a/data.ts', ''), 1)
  t.equal(count('lib/a/data-type.ts', 'export const DataType = 1'), 0)
  t.equal(count('lib/a/x.ts', 'export class RowData {}'), 1)
  t.equal(count('lib/a/x.ts', 'export interface IndexInfo {}'), 1)
  t.equal(count('lib/a/x.ts', 'export function handleRow() {}'), 1)
  t.equal(count('lib/a/x.ts', 'function processRow() {}\nexport { processRow }'), 1)
  t.equal(count('lib/a/x.ts', 'export const processing = 1, information = 2, HTTPHandler = 3'), 0)
})
