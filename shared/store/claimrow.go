package store

import (
	"math"

	"millrace/shared/flow"
)

// Fields of a claim, which a state row holds as it was written first: a program that commits keeps
// what it does not know in it.
const (
	claimAccount     = 1
	claimFlowID      = 2
	claimFlow        = 3
	claimName        = 4
	claimRegion      = 5
	claimRoleArn     = 6
	claimOrigin      = 7
	claimHash        = 8
	claimRun         = 9
	claimSeed        = 10
	claimToken       = 11
	claimStarted     = 12
	claimDeadline    = 13
	claimInput       = 14 // bytes, or a reference
	claimDialect     = 15
	claimAuthor      = 16
	claimCallback    = 17
	claimCallbackBy  = 18
	claimQualifier   = 19
	claimMapRun      = 20
	claimParent      = 21
	claimExpress     = 22
	claimEnvironment = 23 // repeated
	claimListShard   = 24
	claimMapNode     = 25
	claimStartedBy   = 30
)

// encodeClaim encodes the first group of an execution's fields.
func (x *Execution) encodeClaim() []byte {
	w := flow.FieldWriter{Buf: make([]byte, 0, 512+len(x.Input))}
	w.String(claimAccount, x.Account)
	w.String(claimFlowID, x.FlowID)
	w.String(claimFlow, x.Flow)
	w.String(claimName, x.Name)
	w.String(claimRegion, x.Region)
	w.String(claimRoleArn, x.RoleArn)
	w.String(claimOrigin, x.Origin)
	w.String(claimHash, x.Hash)
	w.Fixed(claimRun, x.Run)
	w.Bytes(claimSeed, x.Seed[:])
	w.Fixed(claimToken, x.ClaimToken)
	w.Uint(claimStarted, uint64(x.Started))
	w.Uint(claimDeadline, uint64(x.Deadline))
	if x.InputRef != nil {
		w.Value(claimInput, x.InputRef)
	} else {
		w.Bytes(claimInput, x.Input)
	}
	w.Uint(claimDialect, uint64(x.Dialect))
	w.String(claimAuthor, x.Author)
	w.String(claimCallback, x.Callback)
	w.String(claimCallbackBy, x.CallbackBy)
	w.String(claimQualifier, x.Qualifier)
	w.String(claimMapRun, x.MapRun)
	w.String(claimParent, x.Parent)
	w.Bool(claimExpress, x.Express)
	encodeVariables(&w, claimEnvironment, x.Environment)
	w.Uint(claimListShard, uint64(x.ListShard))
	w.Uint(claimMapNode, uint64(x.MapNode))
	w.String(claimStartedBy, x.StartedBy)
	return w.Buf
}

func (x *Execution) decodeClaim(r *flow.FieldReader) {
	fields := r.Message()
	x.fixed = fields[:len(fields):len(fields)]
	after := r.Enter()
	for r.Next() {
		if p := x.claimString(r.Field); p != nil {
			*p = r.String()
			continue
		}
		switch r.Field {
		case claimRun:
			x.Run = r.Fixed()
		case claimSeed:
			if copy(x.Seed[:], r.Bytes()) != len(x.Seed) {
				r.Fail()
			}
		case claimToken:
			x.ClaimToken = r.Fixed()
		case claimStarted:
			x.Started = int64(r.Uint())
		case claimDeadline:
			x.Deadline = int64(r.Uint())
		case claimInput:
			x.Input, x.InputRef = bytesOrRef(r)
		case claimDialect:
			x.Dialect = flow.Dialect(r.Small(math.MaxUint8))
		case claimExpress:
			x.Express = r.Bool()
		case claimEnvironment:
			x.Environment = append(x.Environment, decodeVariable(r))
		case claimListShard:
			x.ListShard = int(r.Small(ListShardsMax - 1))
		case claimMapNode:
			x.MapNode = int(r.Small(math.MaxInt32))
		}
	}
	r.Leave(after)
}

// claimString returns the text that a field of a claim holds; nil: the field is no text.
func (x *Execution) claimString(field int) *string {
	switch field {
	case claimAccount:
		return &x.Account
	case claimFlowID:
		return &x.FlowID
	case claimFlow:
		return &x.Flow
	case claimName:
		return &x.Name
	case claimRegion:
		return &x.Region
	case claimRoleArn:
		return &x.RoleArn
	case claimOrigin:
		return &x.Origin
	case claimHash:
		return &x.Hash
	case claimAuthor:
		return &x.Author
	case claimCallback:
		return &x.Callback
	case claimCallbackBy:
		return &x.CallbackBy
	case claimQualifier:
		return &x.Qualifier
	case claimMapRun:
		return &x.MapRun
	case claimParent:
		return &x.Parent
	case claimStartedBy:
		return &x.StartedBy
	}
	return nil
}

// Fields of a variable, which is closed.
const (
	variableName        = 1
	variableValue       = 2
	variableDescription = 3
)

func encodeVariables(w *flow.FieldWriter, field int, all []flow.Variable) {
	for _, v := range all {
		start := w.Begin(field)
		w.String(variableName, v.Name)
		w.String(variableValue, v.Value)
		w.String(variableDescription, v.Description)
		w.End(start)
	}
}

func decodeVariable(r *flow.FieldReader) (v flow.Variable) {
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case variableName:
			v.Name = r.String()
		case variableValue:
			v.Value = r.String()
		case variableDescription:
			v.Description = r.String()
		default:
			r.Fail()
		}
	}
	r.Leave(after)
	return v
}
