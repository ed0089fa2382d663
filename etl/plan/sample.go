package plan

import "datalake/pkg/batch"

// sampleObjects is how many objects of a source a sample looks into at most: opening one costs more than the records that it gives.
const sampleObjects = 512

// recordBytes is about how large a record is, for the sake of Plan.Bytes alone.
const recordBytes = 512

// Sample narrows the plan to at most so many records, but at least one a source: each source (folder) has an equal part, divided
// over its objects by their size and taken from the beginning of each (see batch.Object.Most). Of very many objects some are taken, evenly spread over
// their keys, and so over their days. Which they are depends on the listing alone. The objects are changed. Bytes
// then is about what is read.
func (p *Plan) Sample(records int) {
	objects, times := p.Objects, p.ModTimes
	p.Objects, p.ModTimes, p.Bytes = nil, nil, 0
	folders := foldersOf(objects)
	for i, f := range folders {
		whole := Folder{Source: f[0].Source, Objects: len(f)}
		for _, o := range f {
			whole.Bytes += o.Size
		}
		p.Whole = append(p.Whole, whole)
		spread(f, max(1, records*(i+1)/len(folders)-records*i/len(folders)))
	}
	for i, o := range objects {
		if o.Most == 0 {
			continue
		}
		o.Index = len(p.Objects)
		p.Objects = append(p.Objects, o)
		p.ModTimes = append(p.ModTimes, times[i])
		p.Bytes += min(o.Size, int64(o.Most)*recordBytes)
	}
}

// foldersOf are the objects that are not empty, by source.
func foldersOf(objects []*batch.Object) (folders [][]*batch.Object) {
	at := map[string]int{}
	for _, o := range objects {
		if o.Size == 0 {
			continue
		}
		i, ok := at[o.Source]
		if !ok {
			i = len(folders)
			at[o.Source] = i
			folders = append(folders, nil)
		}
		folders[i] = append(folders[i], o)
	}
	return folders
}

// spread divides so many records over the objects of a source.
func spread(objects []*batch.Object, records int) {
	n := min(len(objects), records, sampleObjects)
	var total, before float64
	for i := range n {
		total += float64(objects[i*len(objects)/n].Size)
	}
	given := 0
	for i := range n {
		o := objects[i*len(objects)/n]
		before += float64(o.Size)
		upTo := int(float64(records)*before/total + 0.5)
		if i == n-1 {
			upTo = records
		}
		o.Most = upTo - given
		given = upTo
	}
}
