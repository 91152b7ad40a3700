// DynamoDB on a free port of loopback. Prints its address; ends when stdin does, so that it cannot outlive a test.
const server = require('dynalite')({ createTableMs: 5, deleteTableMs: 5, updateTableMs: 5 })
server.listen(0, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${server.address().port}`))
process.stdin.on('end', () => process.exit()).resume()
