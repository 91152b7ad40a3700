package local

import (
	"fmt"

	"millrace/shared/object"
	"millrace/shared/object/folderobject"
	"millrace/shared/task/functiontask"
	"millrace/shared/task/itemtask"
)

// openObjects opens the directories of the functions file as buckets.
func (a *App) openObjects(file *functiontask.File) (object.Store, error) {
	buckets := &object.Buckets{Stores: map[string]object.Store{}}
	for _, b := range file.Buckets {
		if buckets.Stores[b.Bucket] != nil {
			return nil, fmt.Errorf("functions file: objects: the bucket %s occurs twice", b.Bucket)
		}
		s, err := folderobject.Open(b.Dir)
		if err != nil {
			return nil, fmt.Errorf("functions file: objects: bucket %s: %w", b.Bucket, err)
		}
		a.folders = append(a.folders, s)
		buckets.Stores[b.Bucket] = s
	}
	if len(buckets.Stores) == 0 {
		return nil, nil
	}
	return buckets, nil
}

// newItems returns what reads the items of distributed Maps.
func newItems(objects object.Store) *itemtask.Runner {
	return itemtask.New(itemtask.Options{Objects: objects})
}

func (a *App) closeFolders() {
	for _, f := range a.folders {
		f.Close()
	}
}
