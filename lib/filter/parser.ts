/**
 * Tokens to a tree, by precedence climbing (query-search-semantics §1.2).
 *
 * Each infix operator has a strength; an operand ends before the first operator weaker than the one that asked for it.
 * The surprising parts are Milvus's: `like`, `=~` and `exists` bind tighter than `not`, `not` tighter than a
 * comparison, `in` between arithmetic and comparison, `&`, `^`, `|` looser than comparisons.
 * Invariant: recursion is bounded by NESTING_MAX; chains of `and` / `or` are loops and come out flat.
 */
import { atOnce, type Steps } from '../base/steps.js'
import type { ArithOp, CompareOp, Node, NodeOf, PathKey, PathNode, Span } from './ast.js'
import { type Token, tokenSteps } from './lexer.js'
import type { ReadLists } from './literal-list.js'
import { momentLiteral, momentQuestion } from './parse-moment.js'
import { reject } from './reject.js'
import { TokenCursor } from './token-cursor.js'

/** Levels of parentheses, prefix operators and unbalanced operator chains that one expression may nest. */
export const NESTING_MAX = 1000

const STRENGTH: Readonly<Record<string, number>> = {
  or: 20,
  and: 30,
  '|': 40,
  '^': 42,
  '&': 44,
  '==': 50,
  '!=': 50,
  '<': 60,
  '<=': 60,
  '>': 60,
  '>=': 60,
  in: 70,
  '<<': 80,
  '>>': 80,
  '+': 90,
  '-': 90,
  '*': 100,
  '/': 100,
  '%': 100,
  '**': 120,
  '!~': 125,
  '=~': 127,
  like: 130,
}
/** Operands of a range chain; between `in` and the comparisons. */
const RANGE_STRENGTH = 65
const PREFIX_STRENGTH = 110
const PRIMARY_STRENGTH = 140

/**
 * Parses a whole filter text.
 * @throws MilvusError 1100 with the detail alone
 */
export function parseFilter(text: string): Node {
  return atOnce(parseSteps(text))
}

/**
 * The same in steps: chains of `and` and `or` stop between their terms.
 * @param lists long lists of the text that were read before; all others are read here
 */
export function* parseSteps(text: string, lists?: ReadLists): Steps<Node> {
  const parser = new Parser(text, yield* tokenSteps(text, lists))
  return yield* parser.whole()
}

class Parser {
  readonly #tokens: TokenCursor
  /** Calls of #expression that are open. */
  #nesting = 0
  /** Depth of the tree that was parsed last: what a walk over it will need. */
  #depth = 0

  constructor(text: string, tokens: readonly Token[]) {
    this.#tokens = new TokenCursor(text, tokens)
  }

  *whole(): Steps<Node> {
    const node = yield* this.#steps(0)
    if (this.#tokens.peek().type !== 'end') reject(`invalid expression: ${this.#tokens.text}`)
    return node
  }

  /** An operand that is short enough to be read at once. */
  #expression(strength: number): Node {
    if (this.#tokens.peek().type === 'op') return atOnce(this.#steps(strength))
    // Most operands are one name or literal.
    const first = this.#nullTest(this.#primary())
    const op = this.#infix()
    return op === null || STRENGTH[op]! < strength ? first : atOnce(this.#steps(strength, first))
  }

  /** @param first the first operand, when it was read already */
  *#steps(strength: number, first?: Node): Steps<Node> {
    if (++this.#nesting > NESTING_MAX) this.#tooDeep()
    let left = first ?? (yield* this.#prefix())
    let depth = this.#depth
    for (;;) {
      const op = this.#infix()
      if (op === null || STRENGTH[op]! < strength) break
      if (op === 'and' || op === 'or') {
        this.#tokens.take()
        yield
        left = this.#chain(op, left, yield* this.#steps(STRENGTH[op]! + 1))
      } else left = this.#infixNode(op, left)
      // Left-deep chains nest as deep as they are long; flat `and` / `or` do not.
      const flat = left.kind === 'and' || left.kind === 'or'
      depth = flat ? Math.max(depth, this.#depth + 1) : Math.max(depth, this.#depth) + 1
      if (depth > NESTING_MAX) this.#tooDeep()
    }
    this.#nesting--
    this.#depth = depth
    return left
  }

  #tooDeep(): never {
    return reject(`expression is nested more than ${NESTING_MAX} levels deep`)
  }

  /** The operator that follows, `not in` counting as `in`; null when there is none. */
  #infix(): string | null {
    const token = this.#tokens.peek()
    if (token.type !== 'op') return null
    if (token.text === 'not') return this.#tokens.isOp('in', 1) ? 'in' : null
    return STRENGTH[token.text] === undefined ? null : token.text
  }

  #infixNode(op: string, left: Node): Node {
    const strength = STRENGTH[op]!
    switch (op) {
      case 'in': {
        const negated = this.#tokens.isOp('not')
        if (negated) this.#tokens.take()
        this.#tokens.take()
        const right = this.#expression(strength + 1)
        return { kind: 'in', negated, left, right, start: left.start, end: right.end }
      }
      case 'like': {
        this.#tokens.take()
        const right = this.#expression(strength + 1)
        return { kind: 'like', left, right, start: left.start, end: right.end }
      }
      case '=~':
      case '!~': {
        this.#tokens.take()
        const right = this.#expression(strength + 1)
        return { kind: 'regex', negated: op === '!~', left, right, start: left.start, end: right.end }
      }
      case '<':
      case '<=':
      case '>':
      case '>=':
        return this.#relation(op, left)
      case '==':
      case '!=': {
        this.#tokens.take()
        const right = this.#expression(strength + 1)
        return { kind: 'compare', op, left, right, start: left.start, end: right.end }
      }
      default: {
        this.#tokens.take()
        const right = this.#expression(strength + 1)
        return { kind: 'arith', op: op as ArithOp, left, right, start: left.start, end: right.end }
      }
    }
  }

  /** `and` / `or`, flattened; a parenthesised chain of the same kind is the same thing by associativity. */
  #chain(kind: 'and' | 'or', left: Node, right: Node): Node {
    const span = { start: left.start, end: right.end }
    const tail = right.kind === kind ? right.items : [right]
    if (left.kind !== kind) return { kind, items: [left, ...tail], ...span }
    // The left side was made by this very loop and nobody else holds it yet.
    const items = left.items as Node[]
    for (const item of tail) items.push(item)
    return { kind, items, ...span }
  }

  /** A comparison, or the range chain `e < field < e` when the middle is a plain name and both point one way. */
  #relation(op: CompareOp, left: Node): Node {
    this.#tokens.take()
    const middle = this.#expression(RANGE_STRENGTH)
    const middleDepth = this.#depth
    const token = this.#tokens.peek()
    const upward = op === '<' || op === '<='
    const onward =
      token.type === 'op' &&
      (upward ? token.text === '<' || token.text === '<=' : token.text === '>' || token.text === '>=')
    if (!onward || (middle.kind !== 'path' && middle.kind !== 'call')) {
      return { kind: 'compare', op, left, right: middle, start: left.start, end: middle.end }
    }
    this.#tokens.take()
    const last = this.#expression(RANGE_STRENGTH)
    this.#depth = Math.max(this.#depth, middleDepth)
    const [first, second] = [op.length === 2, token.text.length === 2]
    const span = { start: left.start, end: last.end }
    return upward
      ? {
          kind: 'range',
          lower: left,
          lowerInclusive: first,
          subject: middle,
          upper: last,
          upperInclusive: second,
          ...span,
        }
      : {
          kind: 'range',
          lower: last,
          lowerInclusive: second,
          subject: middle,
          upper: left,
          upperInclusive: first,
          ...span,
        }
  }

  *#prefix(): Steps<Node> {
    const token = this.#tokens.peek()
    if (token.type === 'op') {
      switch (token.text) {
        case 'not':
        case '~':
        case '+':
        case '-': {
          this.#tokens.take()
          const operand = yield* this.#steps(PREFIX_STRENGTH)
          this.#depth++
          const span = { start: token.start, end: operand.end }
          if (token.text === '-' && operand.kind === 'int')
            return { kind: 'int', value: -operand.value, ...span }
          const kind = ({ not: 'not', '~': 'invert', '+': 'plus', '-': 'negate' } as const)[token.text]
          return { kind, operand, ...span }
        }
        case '(': {
          this.#tokens.take()
          const inner = yield* this.#steps(0)
          this.#tokens.expect(')')
          return this.#nullTest(inner)
        }
        case 'exists': {
          this.#tokens.take()
          const operand = this.#expression(PRIMARY_STRENGTH)
          this.#depth++
          return { kind: 'exists', operand, start: token.start, end: operand.end }
        }
      }
    }
    return this.#nullTest(this.#primary())
  }

  /** `f is null` and `f is not null` belong to the primary before them. */
  #nullTest(operand: Node): Node {
    if (!this.#tokens.isOp('is')) return operand
    const negated = this.#tokens.isOp('not', 1)
    const last = this.#tokens.peek(negated ? 2 : 1)
    if (last.type !== 'name' || (last.text !== 'null' && last.text !== 'NULL')) return operand
    this.#tokens.skip(negated ? 3 : 2)
    return { kind: 'null', operand, negated, start: operand.start, end: last.end }
  }

  #primary(): Node {
    this.#depth = 0
    if (this.#tokens.peek().type === 'name') {
      const question = momentQuestion(this.#tokens)
      if (question !== null) this.#depth = 3
      const moment = question ?? momentLiteral(this.#tokens)
      if (moment !== null) return moment
    }
    const token = this.#tokens.take()
    const span = { start: token.start, end: token.end }
    switch (token.type) {
      case 'int':
      case 'float':
      case 'string':
        return literalNode(token)
      case 'literals':
        return { kind: 'literals', list: token.list, ...span }
      case 'name':
        return this.#tokens.isOp('(') ? this.#call(token.text, span.start) : this.#path(token.text, span)
      case 'op':
        if (token.text === 'true' || token.text === 'false') {
          return { kind: 'bool', value: token.text === 'true', ...span }
        }
        if (token.text === '[') return this.#list(span.start)
        if (token.text === '{') return this.#template(span.start)
        if (token.text === '$') return this.#path('$', span)
    }
    return this.#tokens.unexpected('expecting an expression', token)
  }

  #path(name: string, span: Span): PathNode {
    const keys: PathKey[] = []
    let { end } = span
    while (this.#tokens.isOp('[')) {
      this.#tokens.take()
      const key = this.#tokens.take()
      if (key.type === 'string' && key.cooked !== null) keys.push({ text: key.cooked, form: 'quoted' })
      else if (key.type === 'int') keys.push({ text: key.value.toString(), form: 'index' })
      else if (key.type === 'name') keys.push({ text: key.text, form: 'bare' })
      else this.#tokens.unexpected('expecting a quoted key or an index', key)
      end = this.#tokens.expect(']').end
    }
    return { kind: 'path', name, keys, start: span.start, end }
  }

  #list(start: number): NodeOf<'list'> {
    const items: Node[] = []
    const spans: Span[] = []
    let depth = 0
    while (!this.#tokens.isOp(']')) {
      const first = this.#tokens.peek().start
      items.push(this.#plainItem() ?? this.#expression(0))
      depth = Math.max(depth, this.#depth)
      spans.push({ start: first, end: this.#tokens.takenEnd })
      if (!this.#tokens.isOp(',')) break
      this.#tokens.take()
    }
    this.#depth = depth + 1
    return { kind: 'list', items, spans, start, end: this.#tokens.expect(']').end }
  }

  /** A literal that fills its place in a list: the usual case, without the climb through the operators. */
  #plainItem(): Node | null {
    const token = this.#tokens.peek()
    const next = this.#tokens.peek(1)
    if (next.type !== 'op' || (next.text !== ',' && next.text !== ']')) return null
    if (token.type !== 'int' && token.type !== 'float' && token.type !== 'string') return null
    this.#depth = 0
    this.#tokens.skip(1)
    return literalNode(token)
  }

  #template(start: number): Node {
    const name = this.#tokens.take()
    if (name.type !== 'name') return this.#tokens.unexpected('expecting a template variable name', name)
    return { kind: 'template', name: name.text, start, end: this.#tokens.expect('}').end }
  }

  #call(name: string, start: number): Node {
    this.#tokens.expect('(')
    const args: Node[] = []
    const named: { name: string; value: Node }[] = []
    let depth = 0
    while (!this.#tokens.isOp(')')) {
      const token = this.#tokens.peek()
      if (token.type === 'name' && this.#tokens.isOp('=', 1)) {
        this.#tokens.skip(2)
        named.push({ name: token.text, value: this.#expression(0) })
      } else args.push(this.#expression(0))
      depth = Math.max(depth, this.#depth)
      if (!this.#tokens.isOp(',')) break
      this.#tokens.take()
    }
    this.#depth = depth + 1
    return { kind: 'call', name, args, named, start, end: this.#tokens.expect(')').end }
  }
}

function literalNode(token: Extract<Token, { readonly type: 'int' | 'float' | 'string' }>): Node {
  const { start, end } = token
  switch (token.type) {
    case 'int':
      return { kind: 'int', value: token.value, start, end }
    case 'float':
      return { kind: 'float', value: token.value, start, end }
    case 'string':
      return { kind: 'string', cooked: token.cooked, pattern: token.pattern, start, end }
  }
}
