/** One request, one curl process; its answer as JSON with every integer exact enough to compare. */
import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import { URI } from './tap.mjs'

const run = promisify(execFile)

export const CURL_VERSION = execFileSync('curl', ['--version'], { encoding: 'utf8' }).split('\n')[0]

/** Sends the text as the body, with more arguments of curl; HTTP status and the text of the answer. */
export async function post(path, body, ...more) {
  const { stdout } = await run('curl', [
    ...['--silent', '--show-error', '--request', 'POST', '--write-out', '\n%{http_code}'],
    ...['--url', `${URI}/v2/vectordb/${path}`],
    ...['--header', 'Authorization: Bearer root:Milvus', '--header', 'Content-Type: application/json'],
    ...more,
    ...['--data-binary', body],
  ])
  const at = stdout.lastIndexOf('\n')
  return { status: Number(stdout.slice(at + 1)), text: stdout.slice(0, at) }
}

/** The whole answer. */
export async function answer(path, request = {}) {
  return JSON.parse((await post(path, JSON.stringify(request))).text)
}

/** The data of an answer that says yes. */
export async function data(path, request = {}) {
  const { code, message, data } = await answer(path, request)
  if (code !== 0) throw new Error(`${path}: code ${code}: ${message}`)
  return data
}

/** Code of a refusal, and whether its message holds the phrase. */
export async function refusal(path, request, phrase) {
  const { code, message } = await answer(path, request)
  return [code, message?.includes(phrase) ? phrase : message]
}

/** A script of the page, as it is there but for the address; the JSON that curl prints. */
export async function script(text) {
  const { stdout } = await run('bash', ['-c', text.replace('http://localhost:19530', URI)])
  return JSON.parse(stdout)
}
