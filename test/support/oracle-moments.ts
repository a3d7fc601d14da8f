/** Moments and intervals by JavaScript's own calendar, for the filter oracle. */

/** UTC microseconds of a text with an offset. */
export function microsOf(text: string): bigint {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? ''
  const whole = text.replace(/\.\d+/, '').replace(' ', 'T')
  return BigInt(Date.parse(whole)) * 1000n + BigInt(fraction.padEnd(6, '0'))
}

/** A moment some `PnYnMnDTnHnMnS` later, or earlier. */
export function moved(micros: bigint, interval: string, sign: 1 | -1): bigint {
  const part = (pattern: RegExp): number => sign * Number(pattern.exec(interval)?.[1] ?? 0)
  const rest = ((micros % 1000n) + 1000n) % 1000n
  const date = new Date(Number((micros - rest) / 1000n))
  // One call, because setUTCFullYear alone would already run over at 29 February.
  date.setUTCFullYear(
    date.getUTCFullYear() + part(/P(\d+)Y/),
    date.getUTCMonth() + part(/^P(?:\d+Y)?(\d+)M/),
    date.getUTCDate() + part(/(\d+)D/),
  )
  const seconds = part(/(\d+)H/) * 3600 + part(/T(?:\d+H)?(\d+)M/) * 60 + part(/(\d+)S/)
  return BigInt(date.getTime()) * 1000n + rest + BigInt(seconds) * 1_000_000n
}
