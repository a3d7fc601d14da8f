import { reject } from './reject.js'
import type { TextTest } from './text-test.js'
export function regexTest(pattern: string): TextTest {
  let re: RegExp
  try {
    re = new RegExp(pattern, 'su')
  } catch (cause) {
    return reject(`invalid regex pattern: ${String(cause)}`)
  }
  return {
    kind: 'regex',
    matcher: {
      matches: (heap, start, end) =>
        re.test(Buffer.from(heap.buffer, heap.byteOffset + start, end - start).toString('utf8')),
    },
  }
}
