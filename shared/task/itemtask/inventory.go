package itemtask

import (
	"context"
	"io"
	"net/url"
	"strings"

	"millrace/shared/object"
	"millrace/shared/value"
)

// inventory reads the files that the manifest of an inventory lists, one after the other. Its items
// are the rows, with the columns of the manifest's schema. Both OSS and S3 write such manifests.
type inventory struct {
	b    *reading
	ctx  context.Context // of the call that the source belongs to
	m    *inventoryManifest
	at   Cursor
	rows *table // of the file that is read; nil: none is open
}

// inventoryManifest is what matters of a manifest.json.
type inventoryManifest struct {
	SourceBucket      string `json:"sourceBucket"`
	DestinationBucket string `json:"destinationBucket"`
	FileFormat        string `json:"fileFormat"`
	FileSchema        string `json:"fileSchema"`
	Files             []struct {
		Key string `json:"key"`
	} `json:"files"`

	columns []string
}

// manifestBytesMax is the maximum length of a manifest, in bytes: some 50,000 files.
const manifestBytesMax = 8 << 20

func (b *reading) openInventory(ctx context.Context) (source, func(), error) {
	at := b.q.Cursor
	in, err := b.openObject(ctx, b.q.object(), Cursor{ETag: at.Manifest})
	if err != nil {
		return nil, nil, err
	}
	defer in.close()
	text, err := io.ReadAll(io.LimitReader(in.r, manifestBytesMax+1))
	if err != nil {
		return nil, nil, in.failure(err)
	}
	m := &inventoryManifest{}
	if err := m.parse(text); err != nil {
		return nil, nil, contentErrorf("%s: %s", in.name, err)
	}
	at.Manifest = in.at.ETag
	i := &inventory{b: b, ctx: ctx, m: m, at: at}
	return i, i.close, nil
}

func (m *inventoryManifest) parse(text []byte) error {
	if len(text) > manifestBytesMax {
		return contentErrorf("the manifest is longer than %d bytes", manifestBytesMax)
	}
	if err := value.UnmarshalLenient(text, m); err != nil {
		return contentErrorf("it is no manifest of an inventory: %s", err)
	}
	if !strings.EqualFold(m.FileFormat, "CSV") {
		return contentErrorf("the format of an inventory must be CSV, not %s: its manifest.json "+
			"says so in fileFormat", value.Quote(m.FileFormat))
	}
	for _, c := range strings.Split(m.FileSchema, ",") {
		m.columns = append(m.columns, strings.TrimSpace(c))
	}
	if err := checkHeaders(m.columns); err != nil {
		return contentErrorf("fileSchema: %s", err)
	}
	return nil
}

func (i *inventory) cursor() Cursor { return i.at }

func (i *inventory) close() {
	if i.rows != nil {
		i.rows.from.close()
		i.rows = nil
	}
}

func (i *inventory) next() (any, error) {
	for i.at.File < len(i.m.Files) {
		if err := i.openFile(); err != nil {
			return nil, err
		}
		item, err := i.rows.next()
		if err == io.EOF {
			i.close()
			i.at = Cursor{Manifest: i.at.Manifest, File: i.at.File + 1}
			continue
		} else if err != nil {
			return nil, err
		}
		c := i.rows.cursor()
		i.at.ETag, i.at.Offset, i.at.Line = c.ETag, c.Offset, c.Line
		row := item.(map[string]any)
		if key, ok := row["Key"].(string); ok { // keys are escaped as in a URL
			if plain, err := url.QueryUnescape(key); err == nil {
				row["Key"] = plain
			}
		}
		return row, nil
	}
	return nil, io.EOF
}

// openFile opens the file that the cursor is in, unless it is open.
func (i *inventory) openFile() error {
	if i.rows != nil {
		return nil
	}
	name := object.Name{Bucket: i.b.q.Source.Bucket, Key: i.m.Files[i.at.File].Key,
		Region: i.b.q.Source.Region}
	// The destination is a name, or an ARN that ends with it.
	if d := i.m.DestinationBucket; d != "" {
		name.Bucket = d[strings.LastIndexByte(d, ':')+1:]
	}
	in, err := i.b.openObject(i.ctx, name,
		Cursor{ETag: i.at.ETag, Offset: i.at.Offset, Line: i.at.Line})
	if err != nil {
		return err
	}
	i.rows = newTable(in, ',', i.b.q.rawMax())
	i.rows.headers = i.m.columns
	return nil
}
