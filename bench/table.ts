/**
 * Plain text tables and a progress line, for people who read a terminal or a log.
 */

/** Columns aligned: the first to the left, numbers to the right; widths count code points. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...lines.map(line => lengthOf(line[column] ?? ''))))
  const right = header.map((_, column) => column > 0 && rows.every(row => looksNumeric(row[column] ?? '')))
  const render = (line: readonly string[]): string =>
    line
      .map((cell, column) => {
        const gap = ' '.repeat(widths[column]! - lengthOf(cell))
        return right[column] === true ? gap + cell : cell + gap
      })
      .join('  ')
      .trimEnd()
  const rule = widths.map(width => '─'.repeat(width)).join('  ')
  return [render(header), rule, ...rows.map(render)].map(line => `  ${line}`).join('\n')
}

function lengthOf(text: string): number {
  return [...text].length
}

function looksNumeric(cell: string): boolean {
  return cell === '' || /^[-+~]?[\d,.]+(\s?(%|×|x|ms|s|µs|k|M|\/s|rows\/s|ops\/s|MB))*$/.test(cell)
}

/** 1234567.8 → 1,234,568; small values keep three significant digits. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return Number(value.toPrecision(3)).toString()
}

/** Text cut to `width` code points. */
export function cut(text: string, width: number): string {
  const points = [...text]
  return points.length <= width ? text : `${points.slice(0, width - 1).join('')}…`
}

/** A line that fills up: redrawn in place on a terminal, every tenth part on its own line elsewhere. */
export class Progress {
  readonly #label: string
  readonly #total: number
  readonly #out: NodeJS.WriteStream
  readonly #startedMs = performance.now()
  #shown = -1

  constructor(label: string, total: number, out: NodeJS.WriteStream = process.stdout) {
    this.#label = label
    this.#total = total
    this.#out = out
  }

  /** `done` of the total, so far. */
  update(done: number): void {
    const share = this.#total === 0 ? 1 : done / this.#total
    const step = Math.floor(share * (this.#out.isTTY ? 100 : 5))
    if (step === this.#shown) return
    this.#shown = step
    const rate = done / ((performance.now() - this.#startedMs) / 1000)
    const text = `${this.#label} ${bar(share)} ${figure(done)} / ${figure(this.#total)}  ${figure(rate)}/s`
    this.#out.write(this.#out.isTTY ? `\r\x1b[2K  ${text}${share >= 1 ? '\n' : ''}` : `  ${text}\n`)
  }
}

/** Runs `work` and says that it is under way: seconds counted on a terminal, one line elsewhere. */
export async function waiting<T>(label: string, work: () => Promise<T>): Promise<T> {
  const { stdout } = process
  if (!stdout.isTTY) {
    stdout.write(`  ${label} …\n`)
    return work()
  }
  let seconds = 0
  const show = (): boolean => stdout.write(`\r\x1b[2K  ${label} … ${seconds++} s`)
  show()
  const timer = setInterval(show, 1000)
  try {
    return await work()
  } finally {
    clearInterval(timer)
    stdout.write('\n')
  }
}

function bar(share: number): string {
  const full = Math.round(share * 24)
  return `${'█'.repeat(full)}${'░'.repeat(24 - full)}`
}
