/**
 * Questions about moments, which the grammar has as wholes (query-search-semantics §1.2, level 0): `ts > ISO '…'`,
 * `ts + INTERVAL '…' > ISO '…'`, and both the other way round. As primaries they bind tighter than `not`.
 */
import type { CompareOp, Node, NodeOf, StringNode } from './ast.js'
import type { Token } from './lexer.js'
import type { TokenCursor } from './token-cursor.js'

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>='])

/** The question about a moment that starts here; null for everything else. Takes its tokens. */
export function momentQuestion(tokens: TokenCursor): Node | null {
  if (isMoment(tokens, 'ISO', 0)) return isoFirst(tokens)
  if (tokens.peek().type !== 'name') return null
  const length = fieldLength(tokens, 0)
  if (comparisonAt(tokens, length) === null || !isMoment(tokens, 'ISO', length + 1)) return null
  const left = takeField(tokens, length)
  const op = tokens.take() as OpToken
  const right = takeMoment(tokens, 'iso')
  return { kind: 'compare', op: op.text as CompareOp, left, right, start: left.start, end: right.end }
}

/** `ISO '…'` or `INTERVAL '…'` where no question is made of it. */
export function momentLiteral(tokens: TokenCursor): Node | null {
  if (isMoment(tokens, 'ISO', 0)) return takeMoment(tokens, 'iso')
  return isMoment(tokens, 'INTERVAL', 0) ? takeMoment(tokens, 'interval') : null
}

type OpToken = Extract<Token, { readonly text: string }>

/** `ISO '…' < ts`, and with another bound behind it the range `ISO '…' < ts < ISO '…'`. */
function isoFirst(tokens: TokenCursor): Node | null {
  const op = comparisonAt(tokens, 2)
  if (op === null || tokens.peek(3).type !== 'name' || isMoment(tokens, 'ISO', 3)) return null
  const length = fieldLength(tokens, 3)
  const first = takeMoment(tokens, 'iso')
  tokens.skip(1)
  const subject = takeField(tokens, length)
  const start = first.start
  const onward = comparisonAt(tokens, 0)
  const chain = onward !== null && onward[0] === op[0] && (op[0] === '<' || op[0] === '>')
  if (!chain || !isMoment(tokens, 'ISO', 1)) {
    return { kind: 'compare', op, left: first, right: subject, start, end: subject.end }
  }
  tokens.skip(1)
  const last = takeMoment(tokens, 'iso')
  const upward = op[0] === '<'
  const [low, high] = upward ? [op, onward] : [onward, op]
  return {
    kind: 'range',
    lower: upward ? first : last,
    lowerInclusive: low.length === 2,
    subject,
    upper: upward ? last : first,
    upperInclusive: high.length === 2,
    start,
    end: last.end,
  }
}

/** Tokens of `field` or `field ± INTERVAL '…'`. */
function fieldLength(tokens: TokenCursor, at: number): number {
  const signed = tokens.isOp('+', at + 1) || tokens.isOp('-', at + 1)
  return signed && isMoment(tokens, 'INTERVAL', at + 2) ? 4 : 1
}

function takeField(tokens: TokenCursor, length: number): Node {
  const name = tokens.take() as OpToken
  const { start } = name
  const path = { kind: 'path', name: name.text, keys: [], start, end: name.end } as const
  if (length === 1) return path
  const sign = tokens.take() as OpToken
  const right = takeMoment(tokens, 'interval')
  return { kind: 'arith', op: sign.text as '+' | '-', left: path, right, start, end: right.end }
}

/** The words are keywords before a string only, so that fields may carry these names. */
function isMoment(tokens: TokenCursor, word: 'ISO' | 'INTERVAL', at: number): boolean {
  const token = tokens.peek(at)
  const keyword = token.type === 'name' && (token.text === word || token.text === word.toLowerCase())
  return keyword && tokens.peek(at + 1).type === 'string'
}

function takeMoment<K extends 'iso' | 'interval'>(tokens: TokenCursor, kind: K): NodeOf<K> {
  const { start } = tokens.take()
  const { cooked, pattern, ...place } = tokens.take() as Extract<Token, { readonly type: 'string' }>
  const text: StringNode = { kind: 'string', cooked, pattern, start: place.start, end: place.end }
  return { kind, text, start, end: text.end } as NodeOf<K>
}

function comparisonAt(tokens: TokenCursor, at: number): CompareOp | null {
  const token = tokens.peek(at)
  return token.type === 'op' && COMPARISONS.has(token.text) ? (token.text as CompareOp) : null
}
