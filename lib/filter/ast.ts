/**
 * The filter language as a tree: what the parser makes and the binder reads (query-search-semantics §1).
 *
 * The tree knows nothing of a schema: a name is a `path`, whether it means a column, an array element, a JSON path or
 * a dynamic key is decided by the binder. Nodes carry their place in the text, because messages quote it.
 * Invariants: `and` / `or` nodes are flat (no `and` directly inside `and`), so a chain of thousands of terms is one
 * level deep; an `int` node holds at most 2^63, and 2^63 itself only as the operand of a minus.
 */
import type { PackedList } from './packed-list.js'

/** Primary key as a JavaScript value: Int64 as number when safe, else bigint; VarChar as string. */
export type PkKey = number | bigint | string

/** A constant after folding. Integers are exact 64-bit. */
export type Literal =
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | ListLiteral

export interface ListLiteral {
  readonly kind: 'list'
  readonly items: readonly Literal[]
  /** The items without an object per value, for long lists of one kind; asking for `items` makes the objects. */
  readonly packed?: PackedList
}

/** Where a node stands in the text: offsets of UTF-16 units, end exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

export type CompareOp = '==' | '!=' | '<' | '<=' | '>' | '>='
export type ArithOp = '+' | '-' | '*' | '/' | '%' | '**' | '<<' | '>>' | '&' | '|' | '^'

/** One bracket of a path: `["k"]`, `[0]`, or (struct sub-fields only) a bare name. */
export interface PathKey {
  readonly text: string
  readonly form: 'quoted' | 'index' | 'bare'
}

export interface PathNode extends Span {
  readonly kind: 'path'
  readonly name: string
  readonly keys: readonly PathKey[]
}

export interface StringNode extends Span {
  readonly kind: 'string'
  /** The text with escapes resolved; null when it holds an escape that no ordinary string allows. */
  readonly cooked: string | null
  /** The text as a regex reads it: only the quote and the doubled backslash are resolved. */
  readonly pattern: string
}

export interface CallNode extends Span {
  readonly kind: 'call'
  readonly name: string
  readonly args: readonly Node[]
  readonly named: readonly { readonly name: string; readonly value: Node }[]
}

export interface RangeNode extends Span {
  readonly kind: 'range'
  readonly lower: Node
  readonly lowerInclusive: boolean
  readonly subject: Node
  readonly upper: Node
  readonly upperInclusive: boolean
}

interface PrefixNode<K> extends Span {
  readonly kind: K
  readonly operand: Node
}

/** `ISO '…'` and `INTERVAL '…'`. */
interface MomentNode<K> extends Span {
  readonly kind: K
  readonly text: StringNode
}

export type Node =
  | (Span & { readonly kind: 'bool'; readonly value: boolean })
  | (Span & { readonly kind: 'int'; readonly value: bigint })
  | (Span & { readonly kind: 'float'; readonly value: number })
  | StringNode
  | (Span & { readonly kind: 'list'; readonly items: readonly Node[]; readonly spans: readonly Span[] })
  /** A long list of plain literals, read in one go. */
  | (Span & { readonly kind: 'literals'; readonly list: PackedList })
  | (Span & { readonly kind: 'template'; readonly name: string })
  | PathNode
  | MomentNode<'iso'>
  | MomentNode<'interval'>
  | PrefixNode<'not'>
  | PrefixNode<'negate'>
  | PrefixNode<'plus'>
  | PrefixNode<'invert'>
  | PrefixNode<'exists'>
  | (Span & { readonly kind: 'null'; readonly operand: Node; readonly negated: boolean })
  | (Span & { readonly kind: 'arith'; readonly op: ArithOp; readonly left: Node; readonly right: Node })
  | (Span & { readonly kind: 'compare'; readonly op: CompareOp; readonly left: Node; readonly right: Node })
  | RangeNode
  | (Span & { readonly kind: 'in'; readonly negated: boolean; readonly left: Node; readonly right: Node })
  | (Span & { readonly kind: 'like'; readonly left: Node; readonly right: Node })
  | (Span & { readonly kind: 'regex'; readonly negated: boolean; readonly left: Node; readonly right: Node })
  | (Span & { readonly kind: 'and' | 'or'; readonly items: readonly Node[] })
  | CallNode

export type NodeOf<K extends Node['kind']> = Extract<Node, { readonly kind: K }>

/** The same comparison with its sides exchanged: `5 < f` is `f > 5`. */
export function flipCompare(op: CompareOp): CompareOp {
  switch (op) {
    case '<':
      return '>'
    case '<=':
      return '>='
    case '>':
      return '<'
    case '>=':
      return '<='
    case '==':
    case '!=':
      return op
  }
}
