package policy

import "iter"

// Batch is news of objects.
type Batch struct {
	// Instance says which Distributor Version is of; both are empty if none has made the batch.
	Instance string `json:",omitempty"`
	Version  uint64 `json:",omitempty"`
	// Whole says that the objects are all that there are to know: what is not among them is gone.
	Whole   bool     `json:",omitempty"`
	Objects []Object `json:",omitempty"`
	Gone    []Key    `json:",omitempty"`
}

// Missing are those of the keys that a batch does not have.
func (b Batch) Missing(keys iter.Seq[Key]) []Key {
	has := make(map[Key]struct{}, len(b.Objects))
	for _, o := range b.Objects {
		has[o.Key()] = struct{}{}
	}
	var missing []Key
	for k := range keys {
		if _, ok := has[k]; !ok {
			missing = append(missing, k)
		}
	}
	return missing
}
