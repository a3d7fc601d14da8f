/** Filters with placeholders where there were literals: they mean the same. */
import { atOnce } from '../../lib/base/steps.js'
import { Double } from '../../lib/filter/fold.js'
import { type Token, tokenSteps } from '../../lib/filter/lexer.js'
import { parseFilter } from '../../lib/filter/parser.js'
import { literalValue } from './filter-oracle.js'
import type { Rng } from './rng.js'

/** The filter with some of its literals and lists as placeholders, and their values. */
export function templated(dice: Rng, text: string): { text: string; values: Record<string, unknown> } {
  const tokens = atOnce(tokenSteps(text))
  const values: Record<string, unknown> = {}
  let out = ''
  let at = 0
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    if (!dice.chance(0.5)) continue
    const opens = isOp(token, '[') && !opensKey(tokens, i)
    const end = opens ? closeOf(tokens, i) : i
    const value = opens
      ? placeholderOf(literalValue(listOf(text.slice(token.start, tokens[end]!.end))))
      : tokenValue(tokens, i)
    if (value === undefined) continue
    const name = `v${Object.keys(values).length}`
    values[name] = value
    out += `${text.slice(at, token.start)}{${name}}`
    at = tokens[end]!.end
    i = end
  }
  return { text: out + text.slice(at), values }
}

function isOp(token: Token | undefined, text: string): boolean {
  return token?.type === 'op' && token.text === text
}

/** True for the bracket of `j["k"]` and `$[n]`, which is no list. */
function opensKey(tokens: readonly Token[], i: number): boolean {
  const before = tokens[i - 1]
  return before?.type === 'name' || isOp(before, ']') || isOp(before, '$')
}

function closeOf(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let i = open; ; i++) {
    if (isOp(tokens[i], '[')) depth++
    if (isOp(tokens[i], ']') && --depth === 0) return i
  }
}

function listOf(text: string) {
  const node = parseFilter(`x in ${text}`)
  if (node.kind !== 'in') throw new Error(`${text} is no list`)
  return node.right
}

/** The value of a literal; undefined for what no placeholder can stand for. */
function tokenValue(tokens: readonly Token[], i: number): unknown {
  const token = tokens[i]!
  const before = tokens[i - 1]
  if (isOp(before, '[') && opensKey(tokens, i - 1)) return undefined
  switch (token.type) {
    case 'int':
      return token.value < 2n ** 63n ? token.value : undefined
    case 'float':
      return new Double(token.value)
    case 'string':
      if (before?.type === 'name') return undefined // ISO '…'
      return isOp(before, '=~') || isOp(before, '!~') ? token.pattern : token.cooked
    case 'op':
      return token.text === 'true' || token.text === 'false' ? token.text === 'true' : undefined
    default:
      return undefined
  }
}

function placeholderOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(placeholderOf)
  return typeof value === 'number' ? new Double(value) : value
}
