package config

// Setting is a key and its value in force.
type Setting struct {
	Key   string
	Value any
}

// Effective are the values in force of all keys that do something, in the order of [Keys].
func (c Config) Effective() []Setting {
	var settings []Setting
	for _, k := range keys {
		if k.get != nil {
			settings = append(settings, Setting{k.Name, k.get(c)})
		}
	}
	return settings
}
