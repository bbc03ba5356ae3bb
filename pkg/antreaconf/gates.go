package antreaconf

import (
	"fmt"
	"maps"
	"slices"
)

// Gate is a feature gate.
type Gate struct {
	Name        string
	Default     bool
	Implemented bool // may have the other value
}

// ParseGates reads the map featureGates of a file on top of the defaults.
func ParseGates(gates []Gate, value any) (on map[string]bool, errs []error) {
	on = make(map[string]bool)
	names := make([]string, len(gates))
	for i, g := range gates {
		on[g.Name], names[i] = g.Default, g.Name
	}
	if value == nil {
		return on, nil
	}
	file, ok := value.(map[string]any)
	if !ok {
		return on, []error{fmt.Errorf("featureGates: %v is not a map of names to true or false", value)}
	}
	for _, name := range slices.Sorted(maps.Keys(file)) {
		i := slices.Index(names, name)
		set, isBool := file[name].(bool)
		switch {
		case i < 0:
			errs = append(errs, fmt.Errorf("featureGates: %w", Unknown("feature gate", name, names)))
		case file[name] == nil:
		case !isBool:
			errs = append(errs, fmt.Errorf("featureGates.%s: %v is neither true nor false", name, Show(file[name])))
		case !gates[i].Implemented && set != gates[i].Default:
			errs = append(errs, fmt.Errorf("featureGates.%s: %t is not implemented, only Antrea's default %t: remove the gate", name, set, gates[i].Default))
		default:
			on[name] = set
		}
	}
	return on, errs
}
