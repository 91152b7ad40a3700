package cost

// Price is the list price of a unit, in US dollars.
type Price struct {
	Service string
	Unit    string // in the plural
	USD     float64
	Source  string // where the price was found, and its date
}

// Line is one kind of use that a cloud bills.
type Line struct {
	Title string // of its column
	Price
	Shown float64 // value of the column for one unit: 1, or 1000 for seconds in milliseconds
}

// Cloud is a cloud that the functions run on.
type Cloud struct {
	Name    string
	Lines   []Line   // in the order of their columns; writes and reads of the table come first
	Rivals  []Price  // services that run the same flow there; price per executed state
	Counted []string // how use is counted, a paragraph each
}

// Step is the unit that CloudFlow bills.
var Step = Price{"CloudFlow", "step transitions, standard", 25e-6,
	"alibabacloud.com/help/en/serverless-workflow, Billing overview of 2026-02-28, outside " +
		"China: 0.25 for 10,000; parallel and foreach are one, and one for each task in them"}

// Transition is the unit that Step Functions bills.
var Transition = Price{"Step Functions", "state transitions, Standard", 25e-6,
	"aws.amazon.com/step-functions/pricing, as of March 2026: one each time a state is " +
		"executed, retries included"}

// counted is the text that is the same for both clouds.
const counted = "Storage, logs, and the time of a client that waits for the end are not in " +
	"(TestWait prints that); nor are the prices of Step Functions Express, " +
	"1.00 for a million requests and 0.00001667 for a GB-second, about 1.5 for five tasks in " +
	"half a second at 64 MB (aws.amazon.com/step-functions/pricing, " +
	"as of March 2026). " +
	"Starting the execution is in, as are a callback's report and the sweeper's part in a long " +
	"wait; looking at it is not. States " +
	"executed are what Step Functions and CloudFlow bill. What the tasks themselves cost is " +
	"left out everywhere. List prices, first tier, free " +
	"tiers left out."
