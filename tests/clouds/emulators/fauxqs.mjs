// SQS on a free port of loopback. Prints its address; ends when stdin does, so that it cannot outlive a test.
import { startFauxqs } from 'fauxqs'
const server = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false })
console.log(`ready http://127.0.0.1:${server.port}`)
process.stdin.on('end', () => process.exit()).resume()
