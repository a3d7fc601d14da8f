/**
 * The repository as the tidy tests read it: the files of lib/ as text, as imports and as syntax.
 *
 * The one idea: rules are held against the sources, not against what the compiler left of them. Tests run from
 * dist/test/…, so the root is found by walking up to package.json, and the TypeScript parser answers every question
 * about syntax (regular expressions only look at text that has none).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** Rooms of lib/ in the order of the layer rule; a file may import its own room and earlier ones. */
export const ROOMS = [
  'base',
  'schema',
  'store',
  'log',
  'index',
  'filter',
  'segment',
  'query',
  'compaction',
  'engine',
  'client',
  'wire',
  'cli',
] as const

export interface SourceFile {
  /** Path from the root, with forward slashes: `lib/base/errors.ts`. */
  readonly path: string
  readonly text: string
}

/** Root of the repository: the nearest folder at or above this file that holds package.json. */
export function repoRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('no package.json above the tests')
    folder = parent
  }
  return folder
}

/** Every `.ts` file below a folder of the repository, in path order. */
export function sourceFiles(folder: string): SourceFile[] {
  const root = repoRoot()
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .sort()
    .map(name => {
      const path = `${folder}/${name.split(sep).join('/')}`
      return { path, text: readFileSync(join(root, path), 'utf8') }
    })
}

/** Text of one file of the repository. */
export function repoText(path: string): string {
  return readFileSync(join(repoRoot(), path), 'utf8')
}

/** True when the repository has this file or folder. */
export function repoHas(path: string): boolean {
  return existsSync(join(repoRoot(), path))
}

/**
 * What a file imports, as written: static, type-only, re-exported, dynamic and required modules (also by
 * `createRequire(import.meta.url)('x')`, which is how an optional package is loaded), and the files named
 * by `new URL('./x.js', import.meta.url)` (that is how a worker is started; other endings are files to be read).
 */
export function importsOf(file: SourceFile): string[] {
  const names = ts.preProcessFile(file.text, true, true).importedFiles.map(found => found.fileName)
  for (const match of file.text.matchAll(/new URL\(\s*'(\.[^']+\.js)'/g)) names.push(match[1]!)
  for (const match of file.text.matchAll(/createRequire\([^()]*\)\(\s*'([^']+)'/g)) names.push(match[1]!)
  return names
}

/** Path from the root of a relative import, with the source's ending: `lib/base/errors.ts`. */
export function importedPath(file: SourceFile, specifier: string): string {
  const target = resolve('/', dirname(file.path), specifier)
  return relative('/', target).split(sep).join('/').replace(/\.js$/, '.ts')
}

/** Room of a file: its folder below lib/, or `lib` for the files in lib/ itself. */
export function roomOf(path: string): string {
  const [, room, rest] = path.split('/')
  return rest === undefined ? 'lib' : room!
}

/** The parsed file, with parent links. */
export function parse(file: SourceFile): ts.SourceFile {
  return ts.createSourceFile(basename(file.path), file.text, ts.ScriptTarget.Latest, true)
}

/** Calls `visit` for every node, depth first. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  node.forEachChild(child => walk(child, visit))
}

/** First and last line of a node, both from 1. */
export function linesOf(tree: ts.SourceFile, node: ts.Node): { first: number; last: number } {
  return {
    first: tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1,
    last: tree.getLineAndCharacterOfPosition(node.getEnd()).line + 1,
  }
}
