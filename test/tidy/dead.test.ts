/**
 * No dead files: everything in lib/ is reached from a place where somebody enters.
 */
import t from 'tap'
import { importedPath, importsOf, repoHas, roomOf, type SourceFile, sourceFiles } from './sources.js'

/** Where callers enter: the public names, and the command. The wire room is an entrance as a whole. */
const ENTRANCES = ['lib/index.ts', 'lib/cli/kestrel.ts'].filter(repoHas)

/** Files that no chain of imports (workers included) leads to. */
function unreached(files: readonly SourceFile[], entrances: readonly string[]): string[] {
  const byPath = new Map(files.map(file => [file.path, file]))
  const seen = new Set<string>()
  const queue = [...entrances]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const file = byPath.get(path)
    if (file === undefined || seen.has(path)) continue
    seen.add(path)
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith('.')) queue.push(importedPath(file, specifier))
    }
  }
  return files.map(file => file.path).filter(path => !seen.has(path))
}

t.test('every file of lib is used', async t => {
  const files = sourceFiles('lib')
  const wire = files.map(file => file.path).filter(path => roomOf(path) === 'wire')
  t.strictSame(unreached(files, [...ENTRANCES, ...wire]), [])
})

t.test('the check itself follows imports and workers', async t => {
  const files = [
    { path: 'lib/index.ts', text: "export { a } from './a/a.js'" },
    { path: 'lib/a/a.ts', text: "new Worker(new URL('./b.js', import.meta.url))" },
    { path: 'lib/a/b.ts', text: '' },
    { path: 'lib/a/c.ts', text: "import './a.js'" },
  ]
  t.strictSame(unreached(files, ['lib/index.ts']), ['lib/a/c.ts'])
})
