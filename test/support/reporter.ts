/**
 * What a person sees of a run of the tests: one line per file as it ends, everything about what failed, the totals.
 *
 * tap's own reporters draw their picture anew for every assertion, which took a third of the time of a whole run.
 * This one looks at TAP line by line and writes only what will stand. It is named in package.json ("tap", "reporter").
 * The whole of a file's TAP: node dist/test/….test.js
 */
import { Transform, type TransformCallback } from 'node:stream'

/** Two and more levels of indentation: assertions inside a file. */
const NOT_OK = /^\s*not ok /
const TODO_OR_SKIP = / # (TODO|SKIP)\b/i
const FILE_ENDED = /^(not )?ok \d+ - (.+?)(?: # time=([\d.]+)(ms|s|m))?(?: \{)?$/
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 }

export default class LineReporter extends Transform {
  #rest = ''
  #file = ''
  #files = 0
  /** True from a failed assertion on until what is known of it ends. */
  #inFailure = false

  override _transform(chunk: Buffer | string, _encoding: string, done: TransformCallback): void {
    const lines = (this.#rest + chunk.toString()).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#line(line)
    done()
  }

  override _flush(done: TransformCallback): void {
    this.#line(this.#rest)
    done()
  }

  #line(line: string): void {
    if (line.startsWith('# Subtest: ')) {
      this.#file = line.slice('# Subtest: '.length)
      return
    }
    const inside = line.startsWith(' ')
    if (!inside) {
      this.#inFailure = false
      this.#topLevel(line)
    } else if (NOT_OK.test(line) && !TODO_OR_SKIP.test(line)) {
      this.#inFailure = true
      this.push(`\n${this.#file}\n${line}\n`)
    } else if (this.#inFailure) {
      this.push(`${line}\n`)
      if (line.trim() === '...') this.#inFailure = false
    }
  }

  #topLevel(line: string): void {
    const ended = FILE_ENDED.exec(line)
    if (ended !== null) {
      const [, failed, file, time, unit] = ended
      const seconds = (Number(time ?? 0) * (UNIT_MS[unit ?? 'ms'] ?? 1)) / 1000
      this.#files++
      const mark = failed === undefined ? 'ok    ' : 'FAILED'
      this.push(`${mark} ${String(this.#files).padStart(3)}  ${seconds.toFixed(1).padStart(6)} s  ${file}\n`)
    } else if (line.startsWith('Bail out!') || line.startsWith('# ')) {
      this.push(`${line}\n`)
    }
  }
}
