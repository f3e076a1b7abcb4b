// Collects from a syntax tree the names that the grammar lets pass whatever they are. In C#, since a
// call into Python for each node of a tree costs a hundred times what parsing does.

using System.Collections.Generic;
using Microsoft.SqlServer.TransactSql.ScriptDom;

namespace Vigie.Tests
{
    public class Found
    {
        public string Kind, Name;
        public int Line, Column;
    }

    public class Names : TSqlFragmentVisitor
    {
        public List<Found> All = new List<Found>();

        public override void Visit(FunctionCall node)
        {
            if (node.CallTarget == null) Add("function", node.FunctionName.Value, node);
        }

        public override void Visit(SchemaObjectFunctionTableReference node)
        {
            if (node.SchemaObject.SchemaIdentifier == null)
                Add("table function", node.SchemaObject.BaseIdentifier.Value, node);
        }

        public override void Visit(GlobalFunctionTableReference node)
        {
            Add("table function", node.Name.Value, node);
        }

        public override void Visit(SqlDataTypeReference node)
        {
            Add("type", node.Name.BaseIdentifier.Value, node);
        }

        public override void Visit(UserDataTypeReference node)
        {
            if (node.Name.SchemaIdentifier == null)
                Add("unknown type", node.Name.BaseIdentifier.Value, node);
        }

        public override void Visit(UserDefinedTypeCallTarget node)
        {
            Add("member", "::", node);
        }

        public override void Visit(MergeStatement node)
        {
            Add("merge", "MERGE", node);
        }

        private void Add(string kind, string name, TSqlFragment node)
        {
            All.Add(new Found {
                Kind = kind, Name = name, Line = node.StartLine, Column = node.StartColumn
            });
        }
    }
}
