package store

import (
	"math"

	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// flowFmt is the format of the rows of flows without versions. See executionFmt for what to do when
// it changes. A flow with versions has format versionedFlowFmt: the sweeper of a program that knows
// only flowFmt would let the definitions of versions expire.
//
// A flow with hidden paths has format hidingFlowFmt: a program that does not know them would show
// what they hide.
const (
	flowFmt          = 1
	versionedFlowFmt = 2
	hidingFlowFmt    = 3
)

// Fields of a flow row.
const (
	flowAccount         = 1
	flowName            = 2
	flowID              = 3
	flowType            = 4
	flowHash            = 5
	flowDescription     = 6
	flowRoleArn         = 7
	flowMode            = 8
	flowExternalStorage = 9
	flowResourceGroup   = 10
	flowEnvironment     = 11 // repeated
	flowCreated         = 12
	flowModified        = 13
	flowAuthor          = 14
	flowDialect         = 15
	flowTimeoutSeconds  = 16
	flowListShards      = 17
	flowLastVersion     = 18
	flowCatalog         = 19 // see Catalog
	flowSearchKey       = 20 // repeated message
	flowHiddenPath      = 30 // repeated
)

// format returns the number of the format that the flow's row has.
func (f *Flow) format() uint64 {
	switch {
	case len(f.HiddenPaths) > 0:
		return hidingFlowFmt
	case len(f.catalog) > 0:
		return versionedFlowFmt
	}
	return flowFmt
}

func (f *Flow) row() driver.Row {
	w := flow.FieldWriter{Buf: make([]byte, 0, 512)}
	start := w.BeginRow(f.format())
	w.String(flowAccount, f.Account)
	w.String(flowName, f.Name)
	w.String(flowID, f.ID)
	w.String(flowType, f.Type)
	w.String(flowHash, f.Hash)
	w.String(flowDescription, f.Description)
	w.String(flowRoleArn, f.RoleArn)
	w.String(flowMode, f.Mode)
	w.String(flowExternalStorage, f.ExternalStorage)
	w.String(flowResourceGroup, f.ResourceGroup)
	encodeVariables(&w, flowEnvironment, f.Environment)
	w.Uint(flowCreated, uint64(f.Created))
	w.Uint(flowModified, uint64(f.Modified))
	w.String(flowAuthor, f.Author)
	w.Uint(flowDialect, uint64(f.Dialect))
	w.Uint(flowTimeoutSeconds, uint64(f.TimeoutSeconds))
	w.Uint(flowListShards, uint64(f.ListShards))
	w.Uint(flowLastVersion, uint64(f.LastVersion))
	if len(f.catalog) > 0 {
		w.Message(flowCatalog, f.catalog)
	}
	for _, k := range f.SearchKeys {
		start := w.Begin(flowSearchKey)
		w.String(searchKeyName, k.Name)
		w.String(searchKeyValue, k.Path)
		w.End(start)
	}
	for _, path := range f.HiddenPaths {
		w.String(flowHiddenPath, path)
	}
	w.Unknown(f.unknown)
	w.End(start)
	return driver.Row{Key: flowKey(f.Account, f.Name), Version: f.Version, Fence: f.ID, Data: w.Buf,
		List: &driver.ListEntry{Group: flowGroup, Sort: flowSort(f.Account, f.Name)}}
}

func decodeFlow(row driver.Row) (*Flow, error) {
	format, r := flow.ReadRow(row.Data)
	if format < flowFmt || format > hidingFlowFmt {
		return nil, ErrFormat
	}
	f := &Flow{Version: row.Version}
	for r.Next() {
		if p := f.text(r.Field); p != nil {
			*p = r.String()
			continue
		}
		switch r.Field {
		case flowEnvironment:
			f.Environment = append(f.Environment, decodeVariable(&r))
		case flowCreated:
			f.Created = int64(r.Uint())
		case flowModified:
			f.Modified = int64(r.Uint())
		case flowDialect:
			f.Dialect = flow.Dialect(r.Small(math.MaxUint8))
		case flowTimeoutSeconds:
			f.TimeoutSeconds = int64(r.Uint())
		case flowListShards:
			f.ListShards = int(r.Small(ListShardsMax))
		case flowLastVersion:
			f.LastVersion = int64(r.Small(math.MaxInt64))
		case flowCatalog:
			f.catalog = r.Message()
		case flowSearchKey:
			k := decodeSearchKey(&r)
			f.SearchKeys = append(f.SearchKeys, flow.SearchPath{Name: k.Name, Path: k.Value})
		case flowHiddenPath:
			f.HiddenPaths = append(f.HiddenPaths, r.String())
		default:
			r.Keep(&f.unknown)
		}
	}
	if r.Err != nil || flowKey(f.Account, f.Name) != row.Key || f.ID != row.Fence {
		return nil, damagedRow("flow", row.Key, flow.ErrCorrupt)
	}
	return f, nil
}

// text returns the text that a field of a flow row holds; nil: the field is no text.
func (f *Flow) text(field int) *string {
	switch field {
	case flowAccount:
		return &f.Account
	case flowName:
		return &f.Name
	case flowID:
		return &f.ID
	case flowType:
		return &f.Type
	case flowHash:
		return &f.Hash
	case flowDescription:
		return &f.Description
	case flowRoleArn:
		return &f.RoleArn
	case flowMode:
		return &f.Mode
	case flowExternalStorage:
		return &f.ExternalStorage
	case flowResourceGroup:
		return &f.ResourceGroup
	case flowAuthor:
		return &f.Author
	}
	return nil
}
