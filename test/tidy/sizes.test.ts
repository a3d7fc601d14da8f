/**
 * Files one person can hold in their head: no file of lib/ over 600 lines, no function over 70, and each file opens
 * by saying what it is.
 */
import t from 'tap'
import ts from 'typescript'
import { linesOf, parse, type SourceFile, sourceFiles, walk } from './sources.js'

const FILE_LINES_MAX = 600
const FUNCTION_LINES_MAX = 70

interface LongFunction {
  readonly where: string
  readonly lines: number
}

/** Functions, methods and accessors with a body longer than the limit. */
function longFunctions(file: SourceFile): LongFunction[] {
  const tree = parse(file)
  const found: LongFunction[] = []
  walk(tree, node => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return
    const { first, last } = linesOf(tree, node)
    const lines = last - first + 1
    const name = node.name === undefined ? 'function' : node.name.getText(tree)
    if (lines > FUNCTION_LINES_MAX) found.push({ where: `${file.path}:${first} ${name}`, lines })
  })
  return found
}

const files = sourceFiles('lib')

t.test(`no file of lib is longer than ${FILE_LINES_MAX} lines`, async t => {
  const long = files
    .map(file => ({ path: file.path, lines: file.text.split('\n').length - 1 }))
    .filter(file => file.lines > FILE_LINES_MAX)
  t.strictSame(long, [], 'split a long file along its ideas')
})

t.test(`no function of lib is longer than ${FUNCTION_LINES_MAX} lines`, async t => {
  t.strictSame(
    files.flatMap(longFunctions),
    [],
    'branching stays in the parent, loops move to leaf functions',
  )
})

t.test('every file of lib opens with a comment that says what it is', async t => {
  const silent = files.filter(file => !/^(#![^\n]*\n)?\/\*\*/.test(file.text)).map(file => file.path)
  t.strictSame(silent, [])
})

t.test('the check itself measures functions', async t => {
  const body = 'a()\n'.repeat(FUNCTION_LINES_MAX)
  t.equal(longFunctions({ path: 'x.ts', text: `function f() {\n${body}}` }).length, 1)
  t.equal(longFunctions({ path: 'x.ts', text: `class A { m() {\n${body}} }` }).length, 1)
  t.equal(longFunctions({ path: 'x.ts', text: 'const f = () => {\na()\n}' }).length, 0)
})
