/** A place among the tokens of a filter text: what every part of the parser reads from. */
import { place, type Token } from './lexer.js'
import { reject } from './reject.js'

export class TokenCursor {
  readonly text: string
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(text: string, tokens: readonly Token[]) {
    this.text = text
    this.#tokens = tokens
  }

  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)]!
  }

  take(): Token {
    const token = this.peek()
    if (token.type !== 'end') this.#at++
    return token
  }

  /** Takes tokens that have been looked at. */
  skip(count: number): void {
    this.#at += count
  }

  /** Where the last token that was taken ends. */
  get takenEnd(): number {
    return this.#tokens[this.#at - 1]!.end
  }

  isOp(text: string, ahead = 0): boolean {
    const token = this.peek(ahead)
    return token.type === 'op' && token.text === text
  }

  expect(text: string): Token {
    if (!this.isOp(text)) this.unexpected(`expecting '${text}'`)
    return this.take()
  }

  /** Refuses a token, by default the one ahead. */
  unexpected(wanted: string, token: Token = this.peek()): never {
    const found = token.type === 'end' ? '<EOF>' : this.text.slice(token.start, token.end)
    return reject(`${place(this.text, token.start)} mismatched input '${found}' ${wanted}`)
  }
}
