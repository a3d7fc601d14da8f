/**
 * docs/errors.md and the table in lib/base/errors.ts say the same, both ways.
 *
 * Programs branch on codes and people search the page for reasons, so a code that is missing there, or listed with
 * another number, is a bug of ours.
 */
import t from 'tap'
import { ERRORS, type ErrorReason } from '../../lib/base/errors.js'
import { repoText } from './sources.js'

interface DocumentedError {
  readonly code: number
  readonly reason: string
  readonly sentinel: string
  readonly kind: string
  readonly retriable: string
  readonly rest: readonly string[]
}

/** Rows of the page that start with a code in numbers. */
function documentedErrors(text: string): DocumentedError[] {
  return text
    .split('\n')
    .filter(line => /^\| \d+ \|/.test(line))
    .map(line => {
      const [code, reason, sentinel, kind, retriable, ...rest] = line
        .slice(1, -1)
        .split('|')
        .map(cell => cell.trim())
      return {
        code: Number(code),
        reason: reason!.replaceAll('`', ''),
        sentinel: sentinel!,
        kind: kind!,
        retriable: retriable!,
        rest,
      }
    })
}

const documented = documentedErrors(repoText('docs/errors.md'))
const reasons = Object.keys(ERRORS) as ErrorReason[]

t.test('every error of the table is on the page, with the same facts', async t => {
  for (const reason of reasons) {
    const entry = ERRORS[reason]
    const rows = documented.filter(row => row.reason === reason)
    const row = rows[0]
    if (row === undefined || rows.length > 1) {
      t.fail(`${reason} is on the page once, found ${rows.length} rows`)
      continue
    }
    const { rest, ...facts } = row
    const { code, sentinel, kind } = entry
    t.strictSame(facts, { code, reason, sentinel, kind, retriable: entry.retriable ? 'yes' : 'no' })
    t.ok(rest.length === 2 && rest.every(cell => cell !== ''), `${reason} has a meaning and a remedy`)
  }
})

t.test('the page lists no error that does not exist', async t => {
  const strangers = documented.filter(row => !(row.reason in ERRORS)).map(row => row.reason)
  t.strictSame(strangers, [])
})

t.test('no two reasons share a code', async t => {
  const codes = reasons.map(reason => ERRORS[reason].code)
  t.equal(new Set(codes).size, codes.length)
})

t.test('the page is in the order of the codes', async t => {
  const codes = documented.map(row => row.code)
  t.strictSame(
    codes,
    codes.toSorted((a, b) => a - b),
  )
})
