/**
 * `client.json`: how a client of test/clients is installed and run. Checked when it is read, so that a slip in it is
 * one clear line and not a program that never starts.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A program and its arguments, run without a shell. */
export type Command = readonly [string, ...string[]]

export interface ClientFile {
  /** Commands that must succeed, or the client cannot run here: the tools it needs. */
  readonly toolchain: readonly Command[]
  /** Commands that fetch and build what the client needs, in the work folder. */
  readonly install: readonly Command[]
  /** Other folders of test/clients whose files the work folder also gets, before the client's own. */
  readonly shares: readonly string[]
  /**
   * The program before the restart, the one after it, and one against a server that asks for logins and speaks TLS, for
   * clients that have something to say about that.
   */
  readonly phases: { readonly before: Command; readonly after: Command; readonly secured?: Command }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(part => typeof part === 'string')

/**
 * Judges the text of a client.json.
 *
 * @param where - file name for the message
 * @throws Error that says what was expected
 */
export function readClientText(text: string, where: string): ClientFile {
  const value: unknown = JSON.parse(text)
  const wrong = (expected: string): Error => new Error(`${where}: ${expected}`)
  if (!isRecord(value)) throw wrong('expected an object')
  const command = (found: unknown, at: string): Command => {
    if (!isTexts(found) || found[0] === undefined)
      throw wrong(`${at} must be a list of texts: a program and arguments`)
    return [found[0], ...found.slice(1)]
  }
  const commands = (name: string): Command[] => {
    const found = value[name]
    if (!Array.isArray(found)) throw wrong(`${name} must be a list of commands`)
    return found.map((one, at) => command(one, `${name}[${at}]`))
  }
  const { phases, shares = [] } = value
  if (!isRecord(phases)) throw wrong('phases must name the commands "before" and "after"')
  if (!isTexts(shares)) throw wrong('shares must be a list of folder names')
  return {
    toolchain: commands('toolchain'),
    install: commands('install'),
    shares,
    phases: {
      before: command(phases['before'], 'phases.before'),
      after: command(phases['after'], 'phases.after'),
      ...(phases['secured'] === undefined ? {} : { secured: command(phases['secured'], 'phases.secured') }),
    },
  }
}

/** Reads client.json of a folder. */
export function readClientFile(folder: string): ClientFile {
  const path = join(folder, 'client.json')
  return readClientText(readFileSync(path, 'utf8'), path)
}
