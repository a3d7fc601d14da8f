/**
 * Runs can be repeated: the engine reads no environment, no clock and no dice of its own. Time comes in as an option of
 * open(), so that a test can give another one.
 */
import t from 'tap'
import ts from 'typescript'
import { linesOf, parse, roomOf, type SourceFile, sourceFiles, walk } from './sources.js'

/** Outside sources of surprise → the files that may use them, and why. */
const SURPRISES: Readonly<Record<string, readonly string[]>> = {
  'process.env': [],
  'Math.random': ['lib/base/options.ts'], // the default of the option random
  'Date.now': ['lib/base/options.ts'], // the default of the option nowMs
  'performance.now': ['lib/base/turn.ts'], // how long the event loop was held; decides when to yield, never what to answer
}
/** Adapters at the edge talk to people and sockets; the rule ends before them. */
const EDGE_ROOMS: readonly string[] = ['wire', 'cli']

/** Uses of a surprise outside the files that may have it, as `file:line what`. */
function surprises(file: SourceFile): string[] {
  if (EDGE_ROOMS.includes(roomOf(file.path))) return []
  const tree = parse(file)
  const found: string[] = []
  walk(tree, node => {
    let name: string | null = null
    if (ts.isPropertyAccessExpression(node)) name = `${node.expression.getText(tree)}.${node.name.text}`
    else if (
      ts.isNewExpression(node) &&
      node.expression.getText(tree) === 'Date' &&
      !node.arguments?.length
    ) {
      name = 'Date.now'
    }
    if (name === null || !Object.hasOwn(SURPRISES, name)) return
    if (!SURPRISES[name]!.includes(file.path)) found.push(`${file.path}:${linesOf(tree, node).first} ${name}`)
  })
  return found
}

t.test('the engine reads no environment, clock or dice of its own', async t => {
  t.strictSame(sourceFiles('lib').flatMap(surprises), [])
})

t.test('the check itself finds them', async t => {
  const count = (text: string, path = 'lib/engine/x.ts') => surprises({ path, text }).length
  t.equal(count('const a = Date.now()'), 1)
  t.equal(count('const a = new Date()'), 1)
  t.equal(count('const a = new Date(5)'), 0)
  t.equal(count("if (process.env['X']) f()"), 1)
  t.equal(count('const now = Date.now', 'lib/base/options.ts'), 0)
  t.equal(count('const a = Math.random()'), 1)
  t.equal(count('const a = Math.random', 'lib/base/options.ts'), 0)
  t.equal(count('const a = performance.now()', 'lib/base/options.ts'), 1)
})
