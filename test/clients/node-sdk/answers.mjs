/** What the SDK answers: its yes, and its no turned into exceptions or values. */
import { createRequire } from 'node:module'

export const SDK_VERSION = createRequire(import.meta.url)('@zilliz/milvus2-sdk-node/package.json').version

/** The answer, when the server said yes. */
export function yes(answer) {
  const status = answer.status ?? answer
  if (status.error_code !== 'Success') {
    throw new Error(`${status.error_code} (code ${status.code}): ${status.reason}`)
  }
  return answer
}

/** Name of a refusal, and whether its reason holds the phrase. The SDK answers some refusals and throws others. */
export async function refusal(call, phrase) {
  const answer = await call().catch(error => error)
  const thrown = /^ErrorCode: (\w+)\. Reason: (.*)$/s.exec(answer.message ?? '')
  if (answer instanceof Error && thrown === null) throw answer
  const status = thrown === null ? (answer.status ?? answer) : { error_code: thrown[1], reason: thrown[2] }
  return [status.code || status.error_code, status.reason.includes(phrase) ? phrase : status.reason]
}
